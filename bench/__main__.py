"""`make bench`: measures on real sandbox servers, each with its target; exits with 1 if one is missed."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.local import local_measures
from bench.measure import Measure, show
from bench.servers import server_measures


def main() -> int:
    """Run all measures."""
    measures: list[Measure] = local_measures()
    with tempfile.TemporaryDirectory(prefix="hive-bench-") as folder:
        measures += server_measures(Path(folder))
    show(measures)
    return 0 if all(measure.met for measure in measures) else 1


if __name__ == "__main__":
    sys.exit(main())
