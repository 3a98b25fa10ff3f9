"""Routes from a source to a result, one module per command; ``sepcost`` exports them lazily.

Importing one imports neither numpy nor onnx; a route loads what it needs when it is called.
"""
