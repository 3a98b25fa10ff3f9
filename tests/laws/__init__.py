"""Laws that hold for every network: random valid CNNs, built from small blocks."""
