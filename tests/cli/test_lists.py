from __future__ import annotations

import json
from pathlib import Path

from tests.cli.support import call, run

SERVERS = [f"p-hive{number}.shop.example" for number in range(4)]


def test_names_are_one_line_each_for_scripts(site: Path) -> None:
    services = site / "inventory" / "services.yml"
    services.write_text(
        "plugin: hive_services\nservices:\n  web: {image: nginx}\n  mail: {image: mail, available_on: [staging]}\n"
        "  db:\n    image: db\n    volumes:\n"
        "    - {source: data, target: /d, type: volume, driver: local}\n    - {source: /etc, target: /e}\n"
    )
    assert call("-r", str(site), "list-hosts").stdout == " ".join(SERVERS) + "\n"
    assert call("-r", str(site), "list-services").stdout == "web db\n"
    assert call("-r", str(site), "list-volumes").stdout == "data\n"


def test_inventory_is_a_table(site: Path) -> None:
    rows = [line.split() for line in call("-r", str(site), "inventory").stdout.splitlines()]
    assert rows[0] == ["server", "address", "groups", "provider"]
    assert rows[1] == [SERVERS[0], "192.168.56.4", "hives", "sandbox"]
    assert rows[4] == [SERVERS[3], "192.168.56.7", "repository", "sandbox"]


def test_inventory_is_json_for_ansible(site: Path) -> None:
    listed = json.loads(run("-r", str(site), "inventory", "--list").stdout)
    assert SERVERS[0] in listed["hives"]["hosts"]
    one = json.loads(run("-r", str(site), "inventory", "--host", SERVERS[0]).stdout)
    assert one["hive_private_ip"] == "192.168.56.4"
    assert listed["_meta"]["hostvars"][SERVERS[0]] == one


def test_inventory_is_a_tree(site: Path) -> None:
    lines = call("-r", str(site), "inventory", "--graph").stdout.splitlines()
    assert lines[0] == "@all:"
    assert f"  |  |  |  |--{SERVERS[0]}" in lines


def test_reading_commands_write_nothing(site: Path) -> None:
    before = sorted(site.rglob("*"))
    for words in (["check"], ["inventory"], ["inventory", "--list"], ["list-services"], ["variables"], ["get", "stage"], ["roles"]):
        assert call("-r", str(site), *words).exit_code == 0
    assert sorted(site.rglob("*")) == before


def test_a_variable_that_nobody_reads_is_an_error(site: Path) -> None:
    variables = site / "inventory" / "group_vars" / "all.yml"
    variables.write_text("site_title: x\nhive_timezon: Etc/UTC\n")
    result = call("-r", str(site), "check")
    assert result.exit_code == 2
    assert "all.yml:2: nobody reads the variable hive_timezon (did you mean 'hive_timezone'?)" in result.stderr


def test_check_names_volumes_whose_device_id_nobody_uses(site: Path) -> None:
    call("-r", str(site), "set", "drbd_device_map", '{"gone": 3}')
    result = call("-r", str(site), "check")
    assert result.exit_code == 0
    assert "note: drbd_device_map still has ids of volumes that are not defined any more: gone\n" in result.stdout


def test_roles_are_listed_with_play_condition_and_variables() -> None:
    text = call("roles").stdout
    assert "base  setup hive servers, on servers; " in text
    everything = json.loads(call("roles", "--json").stdout)
    names = [role["name"] for role in everything]
    assert names.index("base") < names.index("docker")
    for role in everything:
        assert role["summary"]
        assert f"{role['name']}  {role['play']}, on {role['group']}; {role['condition']}\n    {role['summary']}\n" in text


def test_one_role_is_told_in_full() -> None:
    [role] = json.loads(call("roles", "base", "--json").stdout)
    text = call("roles", "base").stdout
    for variable in role["variables"]:
        assert f"    {variable['name']}: {variable['type']}" in text


def test_an_unknown_role_names_the_nearest() -> None:
    result = call("roles", "bse")
    assert (result.exit_code, result.stderr) == (2, "error: there is no role 'bse'\nhint: did you mean 'base'?\n")


def test_the_hint_of_an_unknown_role_names_each_role_once() -> None:
    """`reboot` is in two plays."""
    known = call("roles", "NOPE").stderr.split("known: ")[1].split()
    assert [name.strip(",") for name in known].count("reboot") == 1


def test_providers_are_listed() -> None:
    listed = json.loads(call("providers", "--json").stdout)
    assert {"sandbox", "prepared"} <= {provider["name"] for provider in listed}
    assert set(listed[0]) == {"name", "extra", "description"}
    assert "sandbox" in call("providers").stdout
