"""Roles of the play "build cluster": they run on hives that are set up."""
