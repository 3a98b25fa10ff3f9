"""The routes from what a user names to a result, one a module; ``sepcost`` offers them lazily.

To import one imports neither numpy nor onnx: what a route walks through is loaded when it is taken.
"""
