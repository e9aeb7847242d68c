"""What the suites in Python share: each check prints a TAP line, the program ends with the plan.

    import tap
    with tap.case("says why it cannot read"):
        assert ...
    tap.skip("real driver 550", "not downloaded")
    tap.finish()
"""
import contextlib
import os
import pathlib
import sys
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
PROGRAM = pathlib.Path(os.environ.get("WHYCUDA", ROOT / "build/dev/whycuda"))
_count = 0
_failed = 0


def _line(ok, name, rest=""):
    global _count, _failed
    _count += 1
    _failed += not ok
    print(f"{'ok' if ok else 'not ok'} {_count} - {name}{rest}", flush=True)


@contextlib.contextmanager
def case(name):
    """One check: passes unless the block raises."""
    try:
        yield
    except Exception:  # the check failed; the others still run
        for line in traceback.format_exc().splitlines():
            print(f"# {line}", flush=True)
        _line(False, name)
    else:
        _line(True, name)


def skip(name, reason):
    """A check that could not run here, and is seen not to."""
    _line(True, name, f" # SKIP {reason}")


def finish():
    print(f"1..{_count}")
    sys.exit(1 if _failed else 0)
