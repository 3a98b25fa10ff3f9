"""Find the convolutions that can become separable, their nodes and their weights."""
