"""``check`` in every format."""
