"""The command: parse, call Site, render. It has no behaviour of its own."""
