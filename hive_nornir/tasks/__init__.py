"""The roles, one module each, grouped by what they configure."""
