"""One self-contained page a report: it opens from disk, without a network."""
