"""Costs as polynomials, in every format."""
