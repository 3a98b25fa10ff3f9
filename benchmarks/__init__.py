"""The measurements of every figure in the README: ``python -m benchmarks``."""
