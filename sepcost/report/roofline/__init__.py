"""The shortest time on a machine, in every format."""
