"""Services of the swarm: what they are to be, what they are, and how the one becomes the other."""
