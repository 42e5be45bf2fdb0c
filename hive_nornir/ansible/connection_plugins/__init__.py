"""Plugins that ansible-core loads by their files."""
