"""Laws that hold for every network, tested on random valid CNNs of small blocks."""
