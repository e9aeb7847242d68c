"""The small files of real wheels on PyPI, read by ranges as pip's fast-deps does, and kept in the cache: what they say of themselves
without their gigabytes."""
import io
import json
import re
import urllib.error
import urllib.parse
import urllib.request
import zipfile

from support.cache import CACHE

WANTED = re.compile(r"(.*\.dist-info/(METADATA|RECORD|WHEEL|INSTALLER|entry_points.txt)|torch/version\.py|torch/__init__\.py)$")


class _Remote(io.RawIOBase):
    def __init__(self, url, size):
        self.url, self.size, self.at = url, size, 0

    def seekable(self):
        return True

    def readable(self):
        return True

    def seek(self, offset, whence=0):
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def tell(self):
        return self.at

    def readinto(self, buffer):
        end = min(self.size, self.at + len(buffer))
        if end <= self.at:
            return 0
        request = urllib.request.Request(self.url, headers={"Range": f"bytes={self.at}-{end - 1}"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            data = answer.read()
        buffer[:len(data)] = data
        self.at += len(data)
        return len(data)


def _files(project):
    index = f"https://pypi.org/simple/{project}/"
    request = urllib.request.Request(index, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    files = json.load(urllib.request.urlopen(request, timeout=60))["files"]
    return [dict(file, url=urllib.parse.urljoin(index, file["url"])) for file in files if not file["yanked"]]


def small_files(project, pattern):
    """{path: bytes} of the wheel whose file name matches; the last one where several do. None without a network."""
    here = CACHE / "metadata" / re.sub(r"\W+", "-", f"{project} {pattern}")
    if not (here / ".done").exists():
        try:
            matching = [file for file in _files(project) if re.fullmatch(pattern, file["filename"])]
            with zipfile.ZipFile(io.BufferedReader(_Remote(matching[-1]["url"], matching[-1]["size"]), 1 << 18)) as archive:
                for name in filter(WANTED.match, archive.namelist()):
                    (here / name).parent.mkdir(parents=True, exist_ok=True)
                    (here / name).write_bytes(archive.read(name))
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return None
        (here / ".done").touch()
    return {str(path.relative_to(here)): path.read_bytes() for path in here.rglob("*") if path.is_file() and path.name != ".done"}
