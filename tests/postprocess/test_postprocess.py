#!/usr/bin/python3
"""Runs every test of the reports, on synthetic runs; prints 'N passed, N failed'."""

import sys

import runner  # first: it makes the reports' code importable
import number_tests  # noqa: F401
import report_tests  # noqa: F401
import validation_tests  # noqa: F401

if __name__ == "__main__":
    sys.exit(runner.run_all())
