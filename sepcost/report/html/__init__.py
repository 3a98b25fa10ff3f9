"""One self-contained page per report: it opens from disk, without a network."""
