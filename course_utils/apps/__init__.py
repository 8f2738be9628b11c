"""What runs by itself: the explorers, the playground and its server, and the preflight."""
