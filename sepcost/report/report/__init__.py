"""``report``: cost, latency and conversion on one page."""
