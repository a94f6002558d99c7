"""From files to validated districts and their neighbour graph."""
