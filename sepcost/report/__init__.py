"""Results as text: a folder per command, a module per format (``formats`` lists them)."""
