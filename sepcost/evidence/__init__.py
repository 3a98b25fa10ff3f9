"""Evidence for budgets: counts, measurements and baselines, gathered and then judged."""
