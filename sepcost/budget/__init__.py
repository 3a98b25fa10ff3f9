"""Cost budgets: read from the configuration, and judged by measured and counted values."""
