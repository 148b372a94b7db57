"""``hub``: the command line. One file a group; heavy modules are imported by the command that needs them."""
