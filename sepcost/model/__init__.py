"""From what the user names to a Network: onnx and numpy live here."""
