"""The phases and their plays: which roles run on which hosts in which order."""
