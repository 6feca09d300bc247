#!/usr/bin/env python3
"""placeholder"""
raise SystemExit(77)
