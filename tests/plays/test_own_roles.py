"""A site's own roles: found by their files, put at the end of the first play, wrong ones told with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hive_nornir.errors import DefinitionErrors
from hive_nornir.plays.own_roles import own_roles, role_of_file
from hive_nornir.plays.setup_hosts import PLAYS, SERVERS_PLAY, plays_of

ROLE = '''
from hive_nornir.operations import files
from hive_nornir.tasks.role import Variables, role

@role()
def motd(host, v: Variables):
    """Greet the operator."""
    return [files.content("/etc/motd", "hello")]
'''


def test_a_file_in_the_sites_folder_is_a_role_of_the_first_play(tmp_path: Path):
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles" / "motd.py").write_text(ROLE)
    without, servers = (next(play for play in plays if play.title == SERVERS_PLAY) for plays in (PLAYS, plays_of(tmp_path)))
    assert [role.name for role in servers.roles] == [*(role.name for role in without.roles), "motd"]
    assert servers.roles[-1].summary == "Greet the operator."


def test_files_for_addon_are_left_to_the_addon_role(tmp_path: Path):
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles" / "addon.py").write_text("never read here")
    assert own_roles(tmp_path) == own_roles(None)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("x = 1\nimport no_such_module\n", 2, "no_such_module"),
        ("def motd(:\n", 1, "SyntaxError"),
        ("def motd(host, v): return []\n", 0, "no role"),
        ("", 0, "no function motd"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, text: str, line: int, message: str):
    (tmp_path / "motd.py").write_text(text)
    with pytest.raises(DefinitionErrors) as error:
        role_of_file(tmp_path / "motd.py")
    [problem] = error.value.problems
    assert (problem.file, problem.line) == (tmp_path / "motd.py", line)
    assert message in problem.message
