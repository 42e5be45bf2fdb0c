"""Idempotent steps that roles are made of, each probe, decide and apply (see `core`)."""
