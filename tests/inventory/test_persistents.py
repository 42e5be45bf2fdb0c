"""What `set`, `get` and `unset` promise (spec cli.md 3 and 4)."""

import json
import stat
import threading

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_nornir.errors import HiveError, UsageError
from hive_nornir.inventory import persistent_store
from hive_nornir.inventory.persistent_variables import VARIABLES
from hive_nornir.inventory.persistents import Persistents


def persistents(root, stage="private", **kwargs):
    return Persistents(root, stage, **kwargs)


def stored(root):
    return yaml.safe_load((root / ".hive" / "persistents.yml").read_text())


def write(root, text, name="persistents.yml"):
    (root / ".hive").mkdir(exist_ok=True)
    (root / ".hive" / name).write_text(text)


def test_the_order_is_flag_environment_stage_global_default(tmp_path):
    env = {}
    flags = {}
    assert persistents(tmp_path).get("first_hive") == (0, "default")
    write(tmp_path, "first_hive: {global: '1'}")
    assert persistents(tmp_path).get("first_hive") == (1, "global")
    write(tmp_path, "first_hive: {global: '1', private: 2, staging: 3}")
    assert persistents(tmp_path).get("first_hive") == (2, "stage")
    env["HIVE_FIRST_HIVE"] = "4"
    assert persistents(tmp_path, env=env).get("first_hive") == (4, "env")
    flags["first_hive"] = 5
    assert persistents(tmp_path, env=env, flags=flags).get("first_hive") == (5, "flag")


def test_a_flag_can_switch_off_what_is_stored(tmp_path):
    persistents(tmp_path).set("tls_logging", "yes")
    assert persistents(tmp_path).get("tls_logging") == (True, "stage")
    assert persistents(tmp_path, flags={"tls_logging": False}).get("tls_logging") == (False, "flag")
    assert persistents(tmp_path, flags={"tls_logging": None}).get("tls_logging") == (True, "stage")


def test_staging_never_sees_what_private_stored(tmp_path):
    persistents(tmp_path, "private").set("aws_secret_access_key", "private's key")
    assert persistents(tmp_path, "staging").get("aws_secret_access_key") == (None, "default")


def test_hive_builders_file_is_read_and_keeps_its_format(tmp_path):
    write(
        tmp_path, "stage: {global: staging}\nfirst_hive: {staging: '1'}\ndrbd_device_map: {staging: {db: 1}}\nsomething_new: {global: x}\n"
    )
    stored_settings = persistents(tmp_path, "staging")
    assert stored_settings.get("stage") == ("staging", "global")
    assert stored_settings.get("drbd_device_map") == ({"db": 1}, "stage")
    stored_settings.set("forks", "7")
    assert stored(tmp_path) == {
        "stage": {"global": "staging"},
        "first_hive": {"staging": "1"},
        "drbd_device_map": {"staging": {"db": 1}},
        "something_new": {"global": "x"},
        "forks": {"global": 7},
    }


@pytest.mark.parametrize("name", ["limit_target", "limit_server", "tags", "ssh_host"])
def test_what_hive_builder_stored_by_accident_is_never_applied(tmp_path, name):
    write(tmp_path, f"{name}: {{global: base, private: base}}")
    assert persistents(tmp_path).get(name) == (None, "default")
    assert "hive_limit" not in persistents(tmp_path).exported()
    with pytest.raises(UsageError, match="cannot be stored"):
        persistents(tmp_path).set(name, "base")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("tls_logging", "YES", True),
        ("tls_logging", "0", False),
        ("first_hive", " 2 ", 2),
        ("stage", "production", "production"),
        ("drbd_device_map", '{"db": 3}', {"db": 3}),
        ("http_proxy_port", "8080", "8080"),
        ("http_proxy", "proxy.example:8080", "proxy.example:8080"),
        ("forward-zabbix-port", "99", 99),
    ],
)
def test_values_are_cast(tmp_path, name, text, value):
    setting, _ = persistents(tmp_path).set(name, text)
    assert setting.value == value
    assert persistents(tmp_path).get(name)[0] == value


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("timeout", "abc", "whole number"),
        ("timeout", "1.5", "whole number"),
        ("tls_logging", "maybe", "must be one of"),
        ("stage", "stagin", "did you mean 'staging'"),
        ("http_proxy", "http://proxy.example:8080", "must be host:port"),
        ("drbd_device_map", "[1]", "map in JSON"),
        ("drbd_device_map", "{", "map in JSON"),
        ("context_dir", "/no/such/folder", "no folder"),
        ("tls_loging", "yes", "did you mean 'tls_logging'"),
        ("destroy", "yes", "cannot be stored"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(tmp_path, name, text, message):
    with pytest.raises(UsageError, match=message):
        persistents(tmp_path).set(name, text)
    assert not (tmp_path / ".hive").exists()


def test_a_stored_value_that_does_not_fit_names_the_file_and_the_way_out(tmp_path):
    write(tmp_path, "timeout: {global: abc}")
    with pytest.raises(UsageError, match=r"persistents.yml: timeout must be a whole number.*`unset timeout`"):
        persistents(tmp_path).get("timeout")
    assert persistents(tmp_path).unset("timeout")
    assert persistents(tmp_path).get("timeout") == (None, "default")


def test_folders_become_absolute_and_defaults_follow_other_variables(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    stored_settings = persistents(tmp_path, "staging")
    assert stored_settings.get("temp_dir")[0] == f"{tmp_path}/.hive/staging/tmp"
    stored_settings.set("context_dir", "elsewhere")
    assert stored_settings.get("context_dir")[0] == f"{tmp_path}/elsewhere"
    assert stored_settings.get("temp_dir")[0] == f"{tmp_path}/elsewhere/tmp"
    assert "{" not in str([setting.value for setting in stored_settings.all() if setting.name != "drbd_device_map"]).replace("{}", "")


def test_secrets_lie_in_a_file_of_their_own_and_old_ones_stay_readable(tmp_path):
    write(tmp_path, "aws_secret_access_key: {private: old, staging: other}")
    stored_settings = persistents(tmp_path)
    assert stored_settings.get("aws_secret_access_key") == ("old", "stage")
    stored_settings.set("aws_secret_access_key", "new")
    assert stored_settings.get("aws_secret_access_key") == ("new", "stage")
    assert stored(tmp_path) == {"aws_secret_access_key": {"staging": "other"}}
    assert yaml.safe_load((tmp_path / ".hive/secrets.yml").read_text()) == {"aws_secret_access_key": {"private": "new"}}
    assert stored_settings.unset("aws_secret_access_key")
    assert stored_settings.get("aws_secret_access_key") == (None, "default")


def test_secrets_are_masked_where_they_are_shown(tmp_path):
    stored_settings = persistents(tmp_path)
    stored_settings.set("azure_secret", "hunter22")
    stored_settings.set("pip_index_url", "https://me:hunter22@pypi.example/simple")
    assert all("hunter22" not in setting.shown for setting in stored_settings.all())
    assert stored_settings.setting("pip_index_url").shown == "https://********@pypi.example/simple"
    assert "hunter22" in stored_settings.secret_values()


def test_generated_passwords_of_the_stage_are_secret_values_too(tmp_path):
    context = tmp_path / ".hive/private"
    context.mkdir(parents=True)
    (context / "registry_password").write_text("abcdefghijk\n")
    (context / "registry_password").chmod(0o600)
    (context / "ssh_config").write_text("Host x\n")
    assert persistents(tmp_path).secret_values() == ["abcdefghijk"]


def test_files_and_folder_are_for_their_owner_only(tmp_path):
    write(tmp_path, "")
    (tmp_path / ".hive").chmod(0o755)
    (tmp_path / ".hive/persistents.yml").chmod(0o644)
    stored_settings = persistents(tmp_path)
    stored_settings.set("forks", "3")
    stored_settings.set("azure_secret", "x")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / ".hive").iterdir()}
    assert modes["persistents.yml"] == modes["secrets.yml"] == modes["persistents.lock"] == 0o600
    assert stat.S_IMODE((tmp_path / ".hive").stat().st_mode) == 0o700


def test_reading_writes_nothing(tmp_path):
    stored_settings = persistents(tmp_path)
    stored_settings.all()
    stored_settings.exported()
    stored_settings.secret_values()
    assert not [*tmp_path.iterdir()]


def test_writers_do_not_lose_each_others_values(tmp_path):
    names = [variable.name for variable in VARIABLES if variable.type == "str" and variable.scope != "none"]
    threads = [threading.Thread(target=persistents(tmp_path).set, args=(name, "x")) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {name for name in names if persistents(tmp_path).get(name)[0] == "x"} == set(names)


def test_a_lock_that_is_held_is_an_error_after_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr(persistent_store, "_PATIENCE", 0.05)
    stored_settings = persistents(tmp_path)
    with stored_settings.store.edit(), pytest.raises(HiveError, match="another command is writing"):
        persistents(tmp_path).set("forks", "3")


@pytest.mark.parametrize("text", ["[1, 2]", "a: b", "a: {", "just text"])
def test_a_damaged_file_is_an_error_with_its_name(tmp_path, text):
    write(tmp_path, text)
    with pytest.raises(UsageError, match=r"persistents\.yml"):
        persistents(tmp_path).get("forks")


@settings(max_examples=30)
@given(text=st.text(st.characters(exclude_categories=["Cs"])), key=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_as_it_went_in(tmp_path_factory, text, key):
    root = tmp_path_factory.mktemp("site")
    for name, value in (("registry_mirror", text), ("azure_secret", text), ("drbd_device_map", {key: text})):
        persistents(root).set(name, value if isinstance(value, str) else json.dumps(value))
        assert persistents(root).get(name) == (value, "stage")


def test_folders_are_those_of_the_stage_that_is_worked_on(tmp_path):
    Persistents(tmp_path, "private").set("stage", "staging")
    assert Persistents(tmp_path, "production").get("context_dir")[0] == f"{tmp_path}/.hive/production"
