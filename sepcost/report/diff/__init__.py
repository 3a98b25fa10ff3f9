"""``diff`` in every format."""
