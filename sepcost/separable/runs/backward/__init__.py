"""Gradients of a network, computed by ONNX Runtime."""
