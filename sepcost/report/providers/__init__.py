"""``providers``: the list of execution providers."""
