"""The networks of the swarm."""
