"""What happens in a run: the runner, its events on disk, the report, the display."""
