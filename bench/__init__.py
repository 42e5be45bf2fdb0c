"""Measures of speed: round trips and bytes, which repeat, and wall times as ratios from one run, since machines differ."""
