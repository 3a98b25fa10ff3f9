"""Results as text: each format in a module of its own."""
