from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hive_nornir.cli.names import quick_hosts, quick_roles, quick_services
from hive_nornir.site import Site
from tests.cli.support import PACKAGE, call, environment, run

SITES = sorted((PACKAGE / "tests" / "inventory" / "sites").iterdir())


def offered(*words: str, **more: str) -> list[str]:
    """What the shell's function is told for the last word."""
    done = run(_HIVE_NORNIR_COMPLETE="bash_complete", COMP_WORDS=" ".join(["hive-nornir", *words]), COMP_CWORD=str(len(words)), **more)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["list-h"], ["list-hosts"]),
        (["run", "set"], ["setup-hosts"]),
        (["run", "setup-hosts", "--limit", "p-hive1"], ["p-hive1.shop.example"]),
        (["run", "setup-hosts", "-l", "p-hive1,p-hive2"], ["p-hive1,p-hive2.shop.example"]),
        (["setup-hosts", "-T", "bas"], ["base"]),
        (["setup-hosts", "-T", "base,hostsf"], ["base,hostsfile"]),
        (["setup-hosts", "--che"], ["--check", "--check-mode"]),
        (["roles", "hostsf"], ["hostsfile"]),
        (["-s", "st"], ["staging"]),
        (["inventory", "--host", "we"], ["web"]),
        (["set", "first_"], ["first_hive"]),
        (["completion", "f"], ["fish"]),
    ],
)
def test_values_are_completed(site: Path, words: list[str], values: list[str]) -> None:
    assert offered(*words, HIVE_ROOT_DIR=str(site)) == values


def test_a_value_is_offered_once(site: Path) -> None:
    assert "base,base" not in offered("setup-hosts", "-T", "base,", HIVE_ROOT_DIR=str(site))


@pytest.mark.parametrize("where", ["before", "after"])
def test_root_and_stage_are_honoured(site: Path, where: str) -> None:
    options = ["-r", str(site), "-s", "staging"]
    words = [*options, "setup-hosts", "-l", "s-hive0"] if where == "before" else ["setup-hosts", *options, "-l", "s-hive0"]
    assert offered(*words) == ["s-hive0.shop.example"]


def test_the_folder_of_the_definitions_is_honoured(site: Path) -> None:
    (site / "inventory").rename(site / "elsewhere")
    assert offered("-r", str(site), "setup-hosts", "-l", "p-hive0") == []
    assert offered("-r", str(site), "-i", str(site / "elsewhere"), "setup-hosts", "-l", "p-hive0") == ["p-hive0.shop.example"]


def test_completion_is_silent_where_there_is_no_site(tmp_path: Path) -> None:
    assert offered("run", "setup-hosts", "-l", "p", HIVE_ROOT_DIR=str(tmp_path)) == []
    assert offered("run", "setup-hosts", "-l", "p", HIVE_ROOT_DIR=str(tmp_path / "none")) == []


def test_completion_writes_nothing(site: Path) -> None:
    before = sorted(site.rglob("*"))
    offered("run", "setup-hosts", "-l", "p", HIVE_ROOT_DIR=str(site))
    offered("get", "f", HIVE_ROOT_DIR=str(site))
    assert sorted(site.rglob("*")) == before


def test_names_that_are_read_quickly_are_the_inventorys(site: Path) -> None:
    compared = 0
    for root in [site, *SITES]:
        for stage in ("private", "staging", "production"):
            opened = Site.open(root, stage)
            if not quick_hosts(opened.context):
                continue
            assert quick_hosts(opened.context) == opened.inventory.servers
            assert sorted(quick_services(opened.context)) == sorted(opened.inventory.services)
            compared += 1
    assert compared >= 3


def test_roles_that_are_read_quickly_are_the_plays() -> None:
    from hive_nornir.plays.setup_hosts import PLAYS

    assert set(quick_roles()) == {role.name for play in PLAYS for role in play.roles} | {play.tag for play in PLAYS}


def test_hosts_are_completed_without_the_heavy_libraries(site: Path) -> None:
    """What keeps it under 200 ms: no validation, no templates, no Nornir."""
    after = """
import atexit, sys
heavy = ("pydantic", "jinja2", "nornir", "rich")
atexit.register(lambda: print([name for name in heavy if name in sys.modules], file=sys.stderr))
"""
    for words in ("hive-nornir setup-hosts -l p", "hive-nornir setup-hosts -T b"):
        done = run(before=after, _HIVE_NORNIR_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD="3", HIVE_ROOT_DIR=str(site))
        assert done.stdout.startswith("plain,")
        assert done.stderr == "[]\n"


@pytest.mark.parametrize(
    ("shell", "sign"), [("bash", "complete -o nosort -F"), ("zsh", "#compdef hive-nornir"), ("fish", "complete --no-files")]
)
def test_every_shell_gets_its_script(shell: str, sign: str) -> None:
    result = call("completion", shell)
    assert result.exit_code == 0
    assert sign in result.stdout
    assert "_HIVE_NORNIR_COMPLETE" in result.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_works_in_bash(site: Path, tmp_path: Path) -> None:
    stub = tmp_path / "hive-nornir"
    stub.write_text(f'#!/bin/sh\nexec {sys.executable} -m hive_nornir "$@"\n')
    stub.chmod(0o755)
    script = 'eval "$(hive-nornir completion bash)"; COMP_WORDS=(hive-nornir setup-hosts -l p-hive0,p-hive3); COMP_CWORD=3\n'
    script += '_hive_nornir_completion hive-nornir; echo "${COMPREPLY[@]}"'
    env = environment(PATH=f"{tmp_path}:{environment()['PATH']}", HIVE_ROOT_DIR=str(site))
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "p-hive0,p-hive3.shop.example\n"
