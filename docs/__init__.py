"""The pages of the documentation, and the tools that generate them."""
