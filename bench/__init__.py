"""Benchmarks: repeatable, judged by ratios within one run, never part of the test run. See docs/performance.md."""
