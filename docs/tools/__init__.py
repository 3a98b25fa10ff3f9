"""Tools that generate the documentation from the code; not part of the package."""
