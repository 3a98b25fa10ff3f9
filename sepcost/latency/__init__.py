"""How long it takes: measured in child processes; importing this imports no ONNX Runtime."""
