"""Files from Jinja templates: the host's variables, strictly, and errors with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hive_nornir.errors import HiveError
from hive_nornir.operations import files
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.role import Target, Variables, role
from hive_nornir.tasks.templates import rendered
from tests.tasks.test_role import run


class TemplateVariables(Variables):
    source: Path


@role()
def from_template(host: Target, v: TemplateVariables) -> list[Operation]:
    """Write a file from a template."""
    return [files.content(host.variables["path"], rendered(host, v.source, servers=["a", "b"]))]


def render(tmp_path: Path, text: str):
    source = tmp_path / "motd.j2"
    source.write_text(text)
    return run(from_template, tmp_path, {"source": str(source)})["h"]


def test_a_template_knows_the_host_its_values_and_the_filters_of_sites(tmp_path: Path):
    text = "{% for server in servers %}\n  {% if loop.first %}\n{{ host.name }} {{ server | upper }}\n  {% endif %}\n{% endfor %}\n"
    text += "{{ '10.0.0.5/24' | ipaddr('network') }}\n"
    assert not render(tmp_path, text).failed
    assert (tmp_path / "greeting").read_text() == "h A\n10.0.0.0\n"
    assert not render(tmp_path, text).changed


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a\n{{ nobody }}\n", 2, "'nobody' is undefined"),
        ("{{ host.hive_nothing }}\n", 1, "hive_nothing"),
        ("a\nb\n{% if %}\n", 3, "Expected an expression"),
        ("{{ 1 // 0 }}\n", 1, "zero"),
    ],
)
def test_what_cannot_be_rendered_is_told_with_file_and_line_and_nothing_is_written(tmp_path: Path, text: str, line: int, message: str):
    [result, *_] = render(tmp_path, text)
    assert isinstance(result.exception, HiveError)
    assert f"motd.j2:{line}: " in str(result.exception)
    assert message in str(result.exception)
    assert not (tmp_path / "greeting").exists()
