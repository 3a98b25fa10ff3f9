"""``bench`` in every format."""
