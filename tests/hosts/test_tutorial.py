"""Every command of the tutorial, in its order, with the files that it has its reader write; on two servers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hive_nornir import Site
from tests.hosts.sites import REPOSITORY, free_cidr

TUTORIAL = REPOSITORY / "docs" / "tutorial.md"
JAPANESE = REPOSITORY / "docs" / "tutorial.ja.md"
_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`((?:inventory|roles)/[\w/]+\.\w+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    :param file: the file that the line before it names last: what the block is the text of.
    """

    language: str
    text: str
    file: str


def blocks(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        before = text[: match.start()].rstrip("\n").rpartition("\n")[2]
        named = _FILE.findall(before) if match["language"] in ("yaml", "python") else [""]
        assert named, f"{document.name}: the line before a file's text does not name it: {before}"
        found.append(Block(match["language"], match["text"], named[-1]))
    return found


class Reader:
    """Who does what the tutorial says, beside others on the same machine: with a name and a range of addresses of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = ""
        self.plans: list[int] = []
        self._instead = {"mysite.example": f"mysite{os.getpid()}.example", "192.168.56.": free_cidr().removesuffix("0/24")}
        self._environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        self._environment.pop("HIVE_ROOT_DIR", None)

    def ours(self, text: str) -> str:
        for name, instead in self._instead.items():
            text = text.replace(name, instead)
        return text

    def does(self, block: Block) -> None:
        if block.file:
            (self.folder / block.file).write_text(self.ours(block.text))
        elif block.language == "text":
            assert self.ours(block.text) in self.said
        else:
            self.said = "".join(self._runs(self.ours(line)) for line in block.text.splitlines())

    def _runs(self, line: str) -> str:
        if line.startswith("cd "):
            self.folder /= line.removeprefix("cd ")
            return ""
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1800,
        )
        plan = "--check" in line
        if plan:
            self.plans.append(done.returncode)
        assert done.returncode in ((0, 3) if plan else (0,)), f"{line}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        if line.startswith("hive-nornir init"):
            self._rename(self.folder / line.split()[-1])
        return done.stdout

    def _rename(self, site: Path) -> None:
        for file in (site / "inventory").rglob("*.yml"):
            file.write_text(self.ours(file.read_text()))


def test_the_tutorial(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    try:
        for block in blocks(TUTORIAL):
            reader.does(block)
        assert reader.plans == [3, 0, 3], "a plan of nothing built, of everything built, of a changed image"
        assert [resource.state for resource in Site.open(tmp_path / "mysite").resources() if resource.state != "missing"] == []
    finally:
        if (tmp_path / "mysite" / "inventory").is_dir():
            Site.open(tmp_path / "mysite", "private").run("build-infra", destroy=True)


def test_it_has_commands_and_every_kind_of_block() -> None:
    found = blocks(TUTORIAL)
    commands = [line for block in found if block.language == "sh" for line in block.text.splitlines()]
    assert len(commands) >= 15
    assert {block.language for block in found} == {"sh", "yaml", "python", "text"}
    assert TUTORIAL.read_text(encoding="utf-8").count("\n```") == 2 * len(found), "a block that this test does not see"


def test_japanese_has_the_same_blocks_in_the_same_order() -> None:
    assert blocks(JAPANESE) == blocks(TUTORIAL)
