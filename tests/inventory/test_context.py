"""Which site and stage a command works on (spec cli.md 3, inventory.md 8.3)."""

import pytest

from hive_nornir.errors import UsageError
from hive_nornir.inventory.context import SiteContext


def test_without_anything_it_is_the_current_folder_and_private(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    context = SiteContext.resolve(None, None, {})
    assert (context.root, context.stage) == (tmp_path, "private")
    assert context.inventory_path == tmp_path / "inventory"
    assert context.context_dir == tmp_path / ".hive/private"
    assert (context.ssh_config, context.known_hosts) == (context.context_dir / "ssh_config", context.context_dir / "known_hosts")
    assert not [*tmp_path.iterdir()], "reading never writes"


def test_the_stage_comes_from_the_option_then_the_environment_then_what_is_stored(tmp_path):
    SiteContext.resolve(tmp_path, None, {}).persistents.set("stage", "production")
    assert SiteContext.resolve(tmp_path, None, {}).stage == "production"
    assert SiteContext.resolve(tmp_path, None, {"HIVE_STAGE": "staging"}).stage == "staging"
    context = SiteContext.resolve(tmp_path, "private", {"HIVE_STAGE": "staging"})
    assert context.stage == "private"
    assert context.context_dir == tmp_path / ".hive/private"
    assert context.persistents.get("stage") == ("private", "flag")


def test_the_root_comes_from_the_option_then_the_environment(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    env = {"HIVE_ROOT_DIR": str(tmp_path / "a")}
    assert SiteContext.resolve(None, None, env).root == tmp_path / "a"
    assert SiteContext.resolve(tmp_path / "b", None, env).root == tmp_path / "b"


def test_a_stored_context_dir_is_that_of_the_effective_stage_only(tmp_path):
    (tmp_path / "state").mkdir()
    SiteContext.resolve(tmp_path, "staging", {}).persistents.set("context_dir", str(tmp_path / "state"))
    assert SiteContext.resolve(tmp_path, "staging", {}).context_dir == tmp_path / "state"
    assert SiteContext.resolve(tmp_path, "private", {}).context_dir == tmp_path / ".hive/private"


def test_the_definitions_may_lie_elsewhere(tmp_path):
    (tmp_path / "stored").mkdir()
    (tmp_path / "given").mkdir()
    SiteContext.resolve(tmp_path, None, {}).persistents.set("inventory_path", str(tmp_path / "stored"))
    assert SiteContext.resolve(tmp_path, "staging", {}).inventory_path == tmp_path / "stored"
    flags = {"inventory_path": str(tmp_path / "given")}
    assert SiteContext.resolve(tmp_path, None, {}, flags=flags).inventory_path == tmp_path / "given"
    with pytest.raises(UsageError, match="inventory_path: there is no folder"):
        SiteContext.resolve(tmp_path, None, {}, flags={"inventory_path": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("stage", "env", "message"),
    [("stagin", {}, "did you mean 'staging'"), (None, {"HIVE_STAGE": "prod"}, "HIVE_STAGE.*no stage 'prod'")],
)
def test_an_unknown_stage_names_the_nearest(tmp_path, stage, env, message):
    with pytest.raises(UsageError, match=message):
        SiteContext.resolve(tmp_path, stage, env)


def test_a_stored_stage_that_does_not_exist_names_the_file(tmp_path):
    (tmp_path / ".hive").mkdir()
    (tmp_path / ".hive/persistents.yml").write_text("stage: {global: test}")
    with pytest.raises(UsageError, match=r"persistents\.yml: there is no stage 'test'"):
        SiteContext.resolve(tmp_path, None, {})


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="there is no folder"):
        SiteContext.resolve(tmp_path / "nowhere", None, {})


def test_prepare_makes_the_folders_for_their_owner_only(tmp_path):
    context = SiteContext.resolve(tmp_path, None, {})
    context.prepare()
    assert [folder.stat().st_mode & 0o777 for folder in (tmp_path / ".hive", context.context_dir)] == [0o700, 0o700]


def test_prepare_closes_what_hive_builder_left_open(tmp_path):
    (tmp_path / ".hive").mkdir(mode=0o755)
    SiteContext.resolve(tmp_path, "private", {}).prepare()
    assert (tmp_path / ".hive").stat().st_mode & 0o777 == 0o700
