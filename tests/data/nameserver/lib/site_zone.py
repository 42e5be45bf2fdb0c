"""Stands for a module that a site brings along."""
