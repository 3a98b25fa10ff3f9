"""How well a converted model reproduces the original: metrics per sample, with intervals."""
