"""Every figure that the README quotes, remade by ``python -m benchmarks``."""
