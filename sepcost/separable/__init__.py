"""From one kernel to two: what can be separated, into what, and what that does to the model."""
