"""Write factors into a model as nodes."""
