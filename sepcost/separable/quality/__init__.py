"""How well a converted model does the original's job: metrics per sample, with intervals."""
