"""``host check``: what is on another machine."""
