"""Tell what depthwise-separable convolution saves, prove it, and ship the cheaper model."""

__version__ = "0.1.0"
