"""The infrastructures that a stage can name, one module each."""
