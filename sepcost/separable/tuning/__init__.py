"""Tune all factors of a converted network together, to answer as the original does."""
