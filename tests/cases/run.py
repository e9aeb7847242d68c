#!/usr/bin/env python3
"""Real reports with the cause that was confirmed, kept beside the repository: at least 95% of those an expert could decide are right,
none fails, at most five roots too many. Skipped where the folder of recorded cases is not there."""
import re
import subprocess
import sys

import tap

CASES = tap.SHARED / "cases"
SCORE = tap.SHARED / "tools/score.py"

if CASES.is_dir() and SCORE.exists():
    done = subprocess.run([sys.executable, str(SCORE), str(CASES), "--list", "--", str(tap.PROGRAM), "explain", "--json", "-"],
                          capture_output=True, text=True, timeout=800)
    print("\n".join(f"# {line}" for line in done.stdout.splitlines()))
    with tap.case("at least 95% of the decidable cases are right"):
        right, total = map(int, re.search(r"^(\d+) of (\d+) right", done.stdout, re.M).groups())
        assert total > 100 and right >= 0.95 * total, (right, total)
    with tap.case("no case fails, at most five roots too many"):
        assert "'failed'" not in done.stdout
        assert int(re.search(r"extra roots (\d+)", done.stdout).group(1)) <= 5
else:
    tap.skip("recorded cases", "no folder of recorded cases beside the repository")

tap.finish()
