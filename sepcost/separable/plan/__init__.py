"""Decide which convolution becomes what: menus, timings, goals and the search."""
