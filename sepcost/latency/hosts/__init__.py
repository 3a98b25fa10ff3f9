"""Measuring on another machine, through the system's OpenSSH client."""
