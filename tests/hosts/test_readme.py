"""Every command and program in the READMEs, as a new user would run them, on the example site's servers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hive_nornir import Site
from tests.hosts.sites import REPOSITORY

READMES = ["README.md", "README.ja.md"]
# Run by CI as they are: they make and check what this test runs on.
MAKE = re.compile(r"^make (demo|test)$")


def blocks(readme: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (REPOSITORY / readme).read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def workplace(example: Site) -> Path:
    """A folder that holds `site` and `config.yaml` like a checkout."""
    folder = example.context.root.parent
    (folder / "config.yaml").write_text((REPOSITORY / "config.yaml").read_text())
    return folder


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("readme", READMES)
def test_commands(readme: str, workplace: Path):
    lines = [line for block in blocks(readme, "sh") for line in block.splitlines() if line and not MAKE.match(line)]
    assert len(lines) >= 7
    for line in lines:
        if line.startswith("hive-nornir init") and (workplace / line.split()[-1]).exists():
            continue
        done = run(["sh", "-c", line], workplace)
        allowed = (0, 3) if "--check" in line else (0,)
        assert done.returncode in allowed, (line, done.stdout, done.stderr)


@pytest.mark.parametrize("readme", READMES)
def test_programs(readme: str, workplace: Path):
    programs = blocks(readme, "python")
    assert programs
    for program in programs:
        done = run([sys.executable, "-W", "error", "-c", program], workplace)
        assert done.returncode == 0, (program, done.stderr)
        assert done.stdout.strip() in ("True 0",) or "False" in done.stdout, done.stdout


def test_the_first_two_commands_are_make_demo_and_make_test():
    for readme in READMES:
        assert blocks(readme, "sh")[0].splitlines()[:2] == ["make demo", "make test"]
