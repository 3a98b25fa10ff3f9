"""Every argument and option, defined once for all commands; one module per topic."""
