"""Roles of the play "setup hive servers"."""
