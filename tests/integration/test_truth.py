"""Slaves that misbehave in every way a line has seen: no value is ever wrong."""

import os
import subprocess
import sys

from harness import programs

READS = 6000  # of each kind of line; tests/bench/truth.py reads 100 000


def test_no_wrong_value():
    p = subprocess.run(
        [sys.executable, "-B", programs.SOURCE / "tests/bench/truth.py", str(READS)],
        capture_output=True, text=True, timeout=500,
        env=dict(os.environ, TB_BIN=str(programs.BIN)))
    print(p.stdout)
    assert p.returncode == 0, p.stdout + p.stderr[-4000:]
    assert p.stdout.count("WRONG: 0") == 2
