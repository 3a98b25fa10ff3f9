"""From one kernel to two: factors from the weights alone, or fitted to data."""
