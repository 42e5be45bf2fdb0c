"""How results look: rich on a terminal, plain text everywhere else."""
