"""Benchmarks: each figure next to a reference measured in the same run, because machines are shared and noisy."""
