"""``bench`` on several machines: models by machines."""
