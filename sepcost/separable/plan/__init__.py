"""Which convolution becomes what: menus, timings, goals and the search for a plan."""
