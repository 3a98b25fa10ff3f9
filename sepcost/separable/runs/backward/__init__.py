"""Gradients of a network, by running it backward in ONNX Runtime."""
