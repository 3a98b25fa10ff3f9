"""How long it takes: measured in child processes; importing this imports no ONNX Runtime."""

import os

# ONNX Runtime reads it when it is imported. What is measured here is nobody else's business, and
# a file of its telemetry would stay in the folder for temporary files.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
