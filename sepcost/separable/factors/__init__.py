"""Factors of a convolution's weight: from the weight alone, or fitted to data."""
