"""Latency, measured in child processes; importing this package does not import ONNX Runtime."""

import os

# ONNX Runtime reads this on import. Measurements here are private, and telemetry would leave a
# file in the folder for temporary files.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
