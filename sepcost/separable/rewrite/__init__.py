"""From factors to nodes: the converted model."""
