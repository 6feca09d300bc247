"""Finds the reports' code, and collects and runs the tests of this folder."""

import sys
import tempfile
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
POSTPROCESS = HERE.parents[1] / "postprocess"
sys.path[:0] = [str(POSTPROCESS), str(HERE)]

TESTS = []


def test(function):
    """Marks a test: a function of an empty folder, whose name says what is true."""
    TESTS.append(function)
    return function


def run_all():
    """Runs every marked test in an empty folder of its own; returns the exit code."""
    failed = 0
    for check in TESTS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                check(Path(folder))
            except Exception:  # any failure is counted and shown, and the rest still runs
                failed += 1
                print(f"FAILED: {check.__name__.replace('_', ' ')}\n{traceback.format_exc()}")
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed or not TESTS else 0
