"""``convert`` in every format."""
