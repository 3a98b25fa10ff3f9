"""The cost over a range of sizes, in every format."""
