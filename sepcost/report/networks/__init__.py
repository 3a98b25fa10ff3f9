"""``networks``: the list of shipped networks."""
