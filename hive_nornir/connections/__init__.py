"""How scripts reach a host: SSH with pinned host keys, and a persistent root shell through it."""
