"""``analyze`` in every format."""
