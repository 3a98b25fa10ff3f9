"""The arena of activations, in every format."""
