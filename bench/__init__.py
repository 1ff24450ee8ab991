"""Benchmarks: each prints a table with its figures as a ratio against a named baseline of the same run."""
