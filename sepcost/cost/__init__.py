"""What a network costs: plain Python over a described Network."""
