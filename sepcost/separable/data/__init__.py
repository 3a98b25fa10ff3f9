"""Calibration data: read, checked against the model, and summed up as moments."""
