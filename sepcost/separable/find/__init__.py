"""Which convolutions can become separable, where they stand, and what their weights are."""
