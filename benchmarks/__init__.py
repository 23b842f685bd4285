"""Benchmarks: each figure beside a reference that is measured in the same run, as machines are shared and noisy."""
