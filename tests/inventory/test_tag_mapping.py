"""The tag mapping of a stage: which image is taken for which, and what is wrong with the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from hive_nornir.errors import DefinitionErrors
from hive_nornir.inventory.tag_mapping import FILE, TagMapping, normalised


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("nginx", "nginx:latest"),
        ("docker.io/library/nginx", "nginx:latest"),
        ("docker.io/nginx:stable", "nginx:stable"),
        ("zabbix/agent:1", "zabbix/agent:1"),
        ("p-hive3.example:5000/image_web", "p-hive3.example:5000/image_web:latest"),
        ("nginx@sha256:" + "0" * 64, "nginx@sha256:" + "0" * 64),
        ("localhost:5000/library/x", "localhost:5000/library/x:latest"),
    ],
)
def test_a_reference_is_what_docker_makes_of_it(written: str, full: str) -> None:
    assert normalised(written) == full
    assert normalised(full) == full


def test_an_image_is_mapped_however_its_name_is_written() -> None:
    mapping = TagMapping({"nginx:latest": "nginx:1.27.3", "alpine:3.20": "registry.example/alpine:3.20"})
    assert mapping.resolve("docker.io/library/nginx") == "nginx:1.27.3"
    assert mapping.resolve("nginx:stable") == "nginx:stable"
    assert mapping.applied() == {"nginx:latest": "nginx:1.27.3"}
    assert mapping.unmatched(["nginx", "debian:12"]) == ["alpine:3.20"]


def test_without_a_file_nothing_is_mapped(tmp_path: Path) -> None:
    mapping = TagMapping.load(tmp_path)
    assert mapping.resolve("nginx") == "nginx"
    assert mapping.unmatched([]) == []


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('{\n"a:1": "b:1",\n}', 2, "no JSON"),
        ('["a"]', 1, "expected a JSON object"),
        ('{"a:1": "b:1",\n "a:2": 7}', 2, "expected a reference of an image, found 7"),
        ('{"a:1": {"b": "c"}}', 1, "expected a reference"),
        ('{"a": "b:1",\n "a:latest": "b:2"}', 2, "are the same image"),
        ('{"A B": "b:1"}', 1, "is no reference"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(DefinitionErrors) as error:
        TagMapping.load(tmp_path)
    [problem] = error.value.problems
    assert (problem.file, message in problem.message) == (tmp_path / FILE, True), problem
    assert problem.line in (line, line + 1)  # where a comma is too many, Python 3.13 names its line, older ones the next
