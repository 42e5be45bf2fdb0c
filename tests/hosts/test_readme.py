"""Every command and program in the READMEs, as a new user would run them, on the example site with its services."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hive_nornir import Site
from tests.hosts.sites import REPOSITORY, errors
from tests.hosts.test_example import ENTRIES, address, entries, eventually

READMES = ["README.md", "README.ja.md"]
# Run by CI as they are: they make and check what this test runs on.
MAKE = re.compile(r"^make (demo|test)$")


def blocks(readme: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (REPOSITORY / readme).read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def workplace(example: Site) -> Iterator[Path]:
    """A folder that holds `site` and `config.yaml` like a checkout, after `make demo`."""
    folder = example.context.root.parent
    (folder / "config.yaml").write_text((REPOSITORY / "config.yaml").read_text())
    reports = example.run_all()
    assert all(report.ok for report in reports), [errors(report) for report in reports]
    eventually(lambda: entries(example) == ENTRIES, 60)
    yield folder
    for phase in ("deploy-services", "build-volumes", "build-networks"):
        report = example.run(phase, destroy=True)
        assert report.ok, errors(report)


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("readme", READMES)
def test_commands(readme: str, workplace: Path, example: Site) -> None:
    lines = [line for block in blocks(readme, "sh") for line in block.splitlines() if line and not MAKE.match(line)]
    assert len(lines) >= 7
    for line in lines:
        if line.startswith("hive-nornir init") and (workplace / line.split()[-1]).exists():
            continue
        done = run(["sh", "-c", line.replace("curl ", "curl -fsS ").replace("10.77.0.80", address(example))], workplace)
        allowed = (0, 3) if "--check" in line else (0,)
        assert done.returncode in allowed, (line, done.stdout, done.stderr)


@pytest.mark.parametrize("readme", READMES)
def test_programs(readme: str, workplace: Path) -> None:
    programs = blocks(readme, "python")
    assert programs
    for program in programs:
        done = run([sys.executable, "-W", "error", "-c", program], workplace)
        assert done.returncode == 0, (program, done.stderr)
        assert done.stdout.strip() in ("True 0",) or "False" in done.stdout, done.stdout


def test_links_lead_to_files_that_there_are() -> None:
    for readme in READMES:
        links = re.findall(r"\]\((?!https?:)([^)#]+)", (REPOSITORY / readme).read_text(encoding="utf-8"))
        assert len(links) >= 10
        assert [link for link in links if not (REPOSITORY / link).exists()] == []


def test_the_first_two_commands_are_make_demo_and_make_test() -> None:
    for readme in READMES:
        assert blocks(readme, "sh")[0].splitlines()[:2] == ["make demo", "make test"]
