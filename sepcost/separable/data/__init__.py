"""Calibration data: read, checked against the model, and summarised as moments."""
