#!/usr/bin/env python3
"""Every cause id has a rule, a page that `whycuda why` prints, and a place in the table of who explains whom or stands alone."""
import re
import subprocess

import tap

PAGES = {p.stem for p in (tap.ROOT / "docs/causes").glob("*.md")}
RULES = set()
for source in (tap.ROOT / "src/diagnose").glob("*.c"):
    RULES |= set(re.findall(r'\{"([a-z0-9]+(?:-[a-z0-9]+)*)",\s*LINK_[A-Z]+,', source.read_text()))

with tap.case("every rule has its page"):
    assert RULES and not RULES - PAGES, sorted(RULES - PAGES)

with tap.case("every page has its rule"):
    assert not PAGES - RULES, sorted(PAGES - RULES)

with tap.case("whycuda why prints every page"):
    for name in sorted(PAGES):
        done = subprocess.run([str(tap.PROGRAM), "why", name], capture_output=True, timeout=20)
        text = (tap.ROOT / "docs/causes" / f"{name}.md").read_text()
        first = text.split("\n\n")[1].replace("\n", " ")[:60]
        assert done.returncode == 0 and first in " ".join(done.stdout.decode().split()), name

with tap.case("every page names its cause, says what it means, how to mend it and where to read more"):
    for name in sorted(PAGES):
        text = (tap.ROOT / "docs/causes" / f"{name}.md").read_text()
        assert text.startswith(f"# {name}\n")
        for heading in ("## What it means", "## How to mend it", "## Read more\n<https://"):
            assert heading in text, (name, heading)

with tap.case("a command in a page stands on one line, to be copied"):
    for name in sorted(PAGES):
        text = (tap.ROOT / "docs/causes" / f"{name}.md").read_text()
        torn = [code for code in re.findall(r"`[^`]*`", text) if "\n" in code]
        assert not torn, (name, torn)

tap.finish()
