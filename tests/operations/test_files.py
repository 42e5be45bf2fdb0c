"""Files, folders and links, probed and applied for real on this machine."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hive_nornir.errors import OperationFailed
from hive_nornir.operations import files
from hive_nornir.operations.core import Operation
from hive_nornir.operations.engine import Engine
from tests.operations.conftest import ME, Run, statuses
from tests.support.local import LocalShell, LocalTransport


def tree(folder: Path) -> str:
    """A checksum of all that is in a folder: names, kinds, modes, owners, times, contents."""
    digest = hashlib.sha256()
    for path in sorted([folder, *folder.rglob("*")]):
        stat = path.lstat()
        content = path.read_bytes() if path.is_file() else os.fsencode(path.readlink()) if path.is_symlink() else b""
        digest.update(repr((os.fsencode(path), stat.st_mode, stat.st_uid, stat.st_gid, stat.st_mtime_ns, content)).encode())
    return digest.hexdigest()


def every_kind(host: Path) -> list[Operation]:
    """One operation of each kind, all with something to do on a fresh `vendor_files`."""
    return [
        files.content(f"{host}/new", "hello\n", mode=0o640, **ME),
        files.content(f"{host}/old", b"\0binary", **ME),
        files.content(f"{host}/wide", "secret", mode=0o600, secret=True, **ME),
        files.block(f"{host}/chrony.conf", ["server a iburst"], marker="ntp", at="start"),
        files.without_lines(f"{host}/chrony.conf", r"^pool\s"),
        files.line(f"{host}/link", "UseDNS no", match=r"^#?UseDNS\s"),
        files.directory(f"{host}/a/b c", mode=0o700, **ME),
        files.link(f"{host}/turned", "new"),
        files.absent(f"{host}/folder"),
    ]


@pytest.fixture
def vendor_files(host: Path) -> Path:
    (host / "old").write_text("old\n")
    (host / "wide").write_text("secret")
    (host / "wide").chmod(0o644)
    (host / "chrony.conf").write_bytes(b"pool x\r\n\xff\xfe\r\ndriftfile /y")
    (host / "sshd_config").write_text("Port 22\n#UseDNS yes\n")
    (host / "sshd_config").chmod(0o604)
    (host / "link").symlink_to("sshd_config")
    (host / "turned").symlink_to("old")
    (host / "folder/deep").mkdir(parents=True)
    (host / "folder/deep/file").write_text("x")
    return host


def test_everything_is_as_wanted_and_a_second_run_changes_nothing(vendor_files: Path, run: Run, local: LocalTransport) -> None:
    host = vendor_files
    assert statuses(run(*every_kind(host))) == ["changed"] * 9
    assert (host / "new").read_text() == "hello\n"
    assert (host / "new").stat().st_mode & 0o7777 == 0o640
    assert (host / "old").read_bytes() == b"\0binary"
    assert (host / "wide").stat().st_mode & 0o7777 == 0o600
    assert (host / "chrony.conf").read_bytes() == (
        b"# BEGIN hive-nornir ntp\r\nserver a iburst\r\n# END hive-nornir ntp\r\n\xff\xfe\r\ndriftfile /y"
    )
    assert (host / "sshd_config").read_text() == "Port 22\nUseDNS no\n"
    assert (host / "sshd_config").stat().st_mode & 0o7777 == 0o604
    assert (host / "link").is_symlink()
    assert (host / "a/b c").stat().st_mode & 0o7777 == 0o700
    assert (host / "a").stat().st_mode & 0o7777 == 0o755
    assert (host / "turned").readlink() == Path("new")
    assert not (host / "folder").exists()
    assert [path.name for path in host.iterdir() if "hive-nornir" in path.name] == []
    assert backups(local, host).keys() == {"chrony.conf", "sshd_config"}
    before, trips = tree(host), local.traffic.round_trips
    assert statuses(run(*every_kind(host))) == ["unchanged"] * 9
    assert tree(host) == before
    assert local.traffic.round_trips == trips + 1


def test_a_plan_tells_all_changes_and_writes_nothing(vendor_files: Path, run: Run, tmp_path: Path) -> None:
    before = tree(tmp_path)
    planned = run(*every_kind(vendor_files), check=True)
    assert tree(tmp_path) == before
    assert statuses(planned) == ["would-change"] * 9
    assert [(o.summary, o.diff) for o in run(*every_kind(vendor_files))][:4] == [(o.summary, o.diff) for o in planned][:4]


def test_a_change_of_mode_does_not_write_the_content(host: Path, run: Run) -> None:
    path = host / "file"
    path.write_text("x")
    path.chmod(0o644)
    inode = path.stat().st_ino
    [outcome] = run(files.content(f"{path}", "x", mode=0o4600, **ME))
    assert (outcome.status, outcome.summary) == ("changed", "mode 644 -> 4600")
    assert path.stat().st_ino == inode
    assert path.stat().st_mode & 0o7777 == 0o4600


def test_a_file_that_its_program_refuses_is_not_installed(host: Path, run: Run) -> None:
    (host / "sudoers").write_text("good\n")
    validate = 'echo "line 1: $(stat -c %a "$hv_v") is bad"; grep -q good "$hv_v"'
    [outcome] = run(files.content(f"{host}/sudoers", "bad\n", mode=0o440, validate=validate, **ME))
    assert outcome.status == "failed"
    assert "line 1: 440 is bad" in outcome.stderr
    assert f"the new {host}/sudoers is not valid; it was not installed" in outcome.stderr
    [outcome] = run(files.line(f"{host}/sudoers", "bad", match="good", validate=validate))
    assert outcome.status == "failed"
    assert [(path.name, path.read_text()) for path in host.iterdir()] == [("sudoers", "good\n")]


def test_no_candidate_is_ever_wider_than_the_file_will_be(host: Path, run: Run) -> None:
    seen = f'stat -c "%a %n" "$hv_v" >{host.parent}/seen'
    [outcome] = run(files.content(f"{host}/key", "secret", mode=0o600, secret=True, validate=seen, **ME))
    assert outcome.status == "changed"
    assert (host.parent / "seen").read_text() == f"600 {host}/.key.hive-nornir\n"
    assert "secret" not in outcome.diff + outcome.summary + (outcome.observed.text if outcome.observed else "")


def test_what_an_interrupted_write_left_is_gone_after_the_next_run(host: Path, run: Run) -> None:
    (host / ".same.hive-nornir").write_text("cut o")
    (host / ".other.hive-nornir").write_text("cut o")
    (host / "same").write_text("x")
    operations = [files.content(f"{host}/same", "x", **ME), files.content(f"{host}/other", "x", **ME)]
    assert statuses(run(*operations)) == ["changed", "changed"]
    assert sorted(path.name for path in host.iterdir()) == ["other", "same"]


def test_a_text_that_did_not_arrive_whole_is_not_installed(host: Path, local: LocalTransport) -> None:
    (host / "file").write_text("good")
    wanted = hashlib.sha256(b"the whole text").hexdigest()
    done = local.run(f"printf 'the wh' | hv_write {host}/file 644 {ME['owner']}:{ME['group']} '' {wanted}", deadline=10)
    assert done.exit_code == 1
    assert b"did not arrive whole" in done.stderr
    assert [(path.name, path.read_text()) for path in host.iterdir()] == [("file", "good")]


def test_an_edit_stops_when_somebody_else_changed_the_file_meanwhile(host: Path, run: Run) -> None:
    path = host / "file"
    path.write_text("a\n")
    spoiler = Operation("spoiler", ":", lambda _: None)
    edit = files.line(f"{path}", "b")
    real = edit.decide

    def decide(seen):  # somebody writes between the look and the change
        path.write_text("other\n")
        return real(seen)

    edit.decide = decide
    outcomes = run(spoiler, edit)
    assert outcomes[1].status == "failed"
    assert "was changed by somebody else meanwhile; run again" in outcomes[1].stderr
    assert path.read_text() == "other\n"


def backups(local: LocalTransport, host: Path) -> dict[str, list[str]]:
    """Name of a file -> what is kept of it, the oldest first."""
    found: dict[str, list[str]] = {}
    for path in sorted((local.folder / f"lib/backups{host}").iterdir()):
        name, time = path.name.rsplit(".", 1)
        assert re.fullmatch(r"\d{8}T\d{6}Z", time)
        found.setdefault(name, []).append(path.read_text("latin-1"))
    return found


def test_each_edit_keeps_the_file_as_it_was_with_the_time_in_its_name(host: Path, run: Run, local: LocalTransport) -> None:
    (host / "conf").write_text("vendor\n")
    (host / "conf").chmod(0o640)
    run(files.line(f"{host}/conf", "a"))
    [kept] = (local.folder / f"lib/backups{host}").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o640
    kept.rename(kept.with_name("conf.20200101T000000Z"))  # as if it had been some time ago
    run(files.line(f"{host}/conf", "b"))
    assert backups(local, host) == {"conf": ["vendor\n", "vendor\na\n"]}


class WithSelinux(LocalTransport):
    """A host with SELinux whose programs note how they are called; like the real one, `chcon` needs the file whose label it takes."""

    def __init__(self, folder: Path) -> None:
        programs = folder / "bin"
        programs.mkdir()
        for name, body in (("chcon", '[ -e "${1#--reference=}" ]'), ("restorecon", ":")):
            (programs / name).write_text(f'#!/bin/sh\n{body} && echo {name} "$@" >>{folder}/log\n')
            (programs / name).chmod(0o755)
        (folder / "enforce").touch()
        super().__init__(folder, LocalShell(path=f"{programs}:{os.environ['PATH']}"))

    def _local(self, text: str) -> str:
        return super()._local(text).replace("/sys/fs/selinux/enforce", f"{self.folder}/enforce")


def test_a_file_keeps_its_selinux_label_and_a_new_one_gets_the_policys(host: Path, tmp_path: Path) -> None:
    (tmp_path / "selinux").mkdir()
    (host / "old").write_text("a\n")
    operations = [files.content(f"{host}/old", "b\n", **ME), files.content(f"{host}/new", "b\n", **ME)]
    assert statuses(Engine(WithSelinux(tmp_path / "selinux"), "here").run(operations)) == ["changed"] * 2
    log = (tmp_path / "selinux/log").read_text().replace(f"{host}/", "")
    assert log.splitlines() == ["chcon --reference=old -- .old.hive-nornir", "restorecon -- new"]


def test_of_edits_in_one_second_the_first_copy_is_kept(host: Path, run: Run, local: LocalTransport) -> None:
    (host / "conf").write_text("vendor\n")
    run(files.line(f"{host}/conf", "a"), files.line(f"{host}/conf", "b"))
    assert backups(local, host)["conf"][0] == "vendor\n"
    assert [path.name for path in host.iterdir()] == ["conf"]


def test_edits_of_one_file_add_up_although_they_come_together(host: Path, run: Run) -> None:
    path = f"{host}/hosts"
    operations = [
        files.content(path, "127.0.0.1 localhost\n", **ME),
        *(files.block(path, [f"10.0.0.{n} h{n}"], marker=f"h{n}") for n in (1, 2)),
    ]
    assert statuses(run(*operations)) == ["changed"] * 3
    assert (host / "hosts").read_text().splitlines() == [
        "127.0.0.1 localhost",
        *(line for n in (1, 2) for line in (f"# BEGIN hive-nornir h{n}", f"10.0.0.{n} h{n}", f"# END hive-nornir h{n}")),
    ]
    assert statuses(run(*operations[1:])) == ["unchanged"] * 2


def test_read_gives_the_text_byte_for_byte(host: Path, run: Run) -> None:
    (host / "file").write_bytes(b"a\r\n\xff\x1e\n\n\n")
    [there, absent] = run(files.read(f"{host}/file"), files.read(f"{host}/absent"))
    assert there.observed
    assert there.observed.text.encode("utf-8", "surrogateescape") == b"a\r\n\xff\x1e\n\n\n"
    assert absent.observed
    assert absent.observed.text == ""


def test_ten_small_files_cost_one_look_and_one_change(host: Path, run: Run, local: LocalTransport) -> None:
    operations = [files.content(f"{host}/etc-{n}.conf", f"# file {n}\nkey{n} = {hash(n)}\nother = value\n", **ME) for n in range(10)]
    connecting = local.traffic.sent
    assert statuses(run(*operations)) == ["changed"] * 10
    assert local.traffic.round_trips == 2
    # 8 kB is for all of it, logging in included, which takes about 4
    assert connecting + local.traffic.sent < 4000
    run(*operations)
    assert local.traffic.round_trips == 3


@pytest.mark.parametrize("path", ["etc/x", "/etc/x/", "/etc//x", "/etc/../x", "/etc/\0", "/", ""])
def test_paths_that_could_be_another_file_are_refused(path: str) -> None:
    for make in (lambda: files.content(path, ""), lambda: files.absent(path), lambda: files.line(path, "x"), lambda: files.directory(path)):
        with pytest.raises(ValueError, match="not a plain absolute path"):
            make()


def test_lines_with_newlines_are_refused() -> None:
    for make in (
        lambda: files.line("/x", "a\nb"),
        lambda: files.block("/x", ["a\r"], marker="m"),
        lambda: files.block("/x", [], marker="m\n"),
    ):
        with pytest.raises(ValueError, match="more than one line"):
            make()
    with pytest.raises(ValueError, match="BEGIN or END"):
        files.block("/x", ["# END hive-nornir m"], marker="m")


NASTY_NAMES = [
    "a b",
    "it's",
    '"',
    "$(touch x)",
    "`touch x`",
    "-rf",
    "--",
    "new\nline",
    "trailing\n",
    "*",
    "\\n",
    "|left",
    "\udcff",
    "ü",
    "~",
]
NASTY_LINES = ["E", "EE", "EOS", "'", "$x", "`id`", "\\", "\\0", "\x81\x82\x88", "\r", "", " x ", "%s"]


def come_through(shell: LocalShell, folder: Path, wanted: dict[str, bytes]) -> None:
    """Write files, add a line to each text, and find them as they should be, and nothing else."""
    transport, host = LocalTransport(folder, shell), folder / "it's the $(host)"
    line = "$(line) 'x' \\n"
    directory = files.directory(f"{host}", **ME)
    first = [directory, *(files.content(f"{host}/{name}", data, mode=0o600, **ME) for name, data in wanted.items())]
    first += [files.line(f"{host}/{name}", line) for name in wanted]
    assert set(statuses(Engine(transport, "here").run(first))) == {"changed"}
    made = {path.name: path.read_bytes() for path in host.iterdir()}
    for name, data in wanted.items():
        kept = [path for path in (folder / f"lib/backups{host}").glob("*") if path.name.rsplit(".", 1)[0] == name]
        assert [path.read_bytes() for path in kept] == [data] * bool(data)
        newline = b"\r\n" if data.partition(b"\n")[0].endswith(b"\r") else b"\n"
        assert made.pop(name).rstrip(b"\r\n") == data + (b"" if data.endswith(b"\n") or not data else newline) + line.encode()
    assert made == {}
    assert set(statuses(Engine(transport, "here").run([directory, *first[1 + len(wanted) :]]))) == {"unchanged"}
    assert {path.name for path in folder.iterdir()} <= {"run", "lib", host.name}


def test_nasty_names_and_contents_come_through_every_shell(tmp_path: Path, shells: list[LocalShell]) -> None:
    wanted = {name: "\n".join(NASTY_LINES[number:]).encode("latin-1") for number, name in enumerate(NASTY_NAMES)}
    wanted |= {"bytes": bytes(range(256)), "no NUL": bytes(range(1, 256)), "E": b"E\nEE\nEEE\n"}
    for number, shell in enumerate(shells):
        (tmp_path / str(number)).mkdir()
        come_through(shell, tmp_path / str(number), wanted)


names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..")
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.dictionaries(names, st.binary(max_size=300).filter(lambda data: b"\r" not in data), min_size=1, max_size=5))
def test_any_name_and_any_content_come_through(wanted: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    come_through(LocalShell(), tmp_path_factory.mktemp("any"), wanted)


def test_a_block_that_does_not_end_fails_before_anything_is_written(host: Path, run: Run) -> None:
    (host / "hosts").write_text("# BEGIN hive-nornir x\n")
    outcomes = run(files.block(f"{host}/hosts", ["a"], marker="x"), files.content(f"{host}/later", "", **ME))
    assert [o.status for o in outcomes] == ["failed", "not-run"]
    assert isinstance(outcomes[0].error, OperationFailed)
    assert [path.name for path in host.iterdir()] == ["hosts"]
