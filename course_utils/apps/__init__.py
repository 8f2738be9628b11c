"""Everything that runs by itself: the explorers, the playground and its server, the preflight."""
