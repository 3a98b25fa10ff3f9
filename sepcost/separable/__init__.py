"""Convert convolutions to separable ones: find, fit, plan, rewrite and verify."""
