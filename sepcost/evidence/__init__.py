"""From budgets to verdicts: counts models, finds their baselines, has them measured, judges."""
