"""BASE-13, L-4: which file gets sshd's settings, and when that is refused."""

from __future__ import annotations

import hashlib

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.servers.base.sshd import login, settings_in_effect, way_to_the_proxy, wrong_settings
from hive_nornir.tasks.servers.base.variables import BaseVariables
from tests.tasks.servers.servers import ALMA, server
from tests.tasks.servers.targets import named

OURS = (
    "# Written by hive-nornir; read before everything else, and the first value of an option counts.\n"
    "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUseDNS no\n"
)
WANTED = "passwordauthentication no\nkbdinteractiveauthentication no\nusedns no\n"
LOOSE = "passwordauthentication yes\nkbdinteractiveauthentication no\nusedns no\n"


def file(text, mode=600):
    if text is None:
        return "absent"
    return f"regular file|{mode}|root|root|0|0|{len(text)}\n{hashlib.sha256(text.encode()).hexdigest()}\n{text}"


def said(dropin, config="Include /etc/ssh/sshd_config.d/*.conf\n", build="sound", includes="includes", effective=WANTED):
    return "\n@@hive-nornir\n".join([file(dropin), file(config, 644), f"{build}\n{includes}\n{effective}"])


def operation(context, *, distribution=("debian", "12"), **values):
    operations = login(server(context, distribution=distribution), BaseVariables(hive_private_ip="10.1.0.4", **values))
    return named(operations, "settings of sshd")


def change(context, *args, triggered=False, options=None, **kwargs):
    return operation(context, **(options or {})).decide(Observed(said(*args, **kwargs), triggered=triggered))


def test_a_drop_in_that_is_read_first(tmp_path):
    made = change(tmp_path, None, effective=LOOSE)
    assert "hv_write /etc/ssh/sshd_config.d/00-hive.conf 600" in made.apply
    assert "PasswordAuthentication no" in made.apply
    assert "systemctl reload ssh.service" in made.apply
    assert "systemctl stop" not in made.apply
    assert "systemctl restart" not in made.apply


def test_nothing_to_do(tmp_path):
    assert change(tmp_path, OURS) is None


def test_an_edit_before_it_makes_sshd_reload(tmp_path):
    made = change(tmp_path, OURS, triggered=True)
    assert made.summary == "reload"
    assert "sshd -t" in made.apply


def test_without_include_a_block_at_the_start_of_the_main_file(tmp_path):
    made = change(tmp_path, None, config="Match User x\n  PasswordAuthentication yes\n", includes="alone", effective=LOOSE)
    assert "/etc/ssh/sshd_config.d" not in made.apply
    assert made.diff.index("+PasswordAuthentication no") < made.diff.index(" Match User x")


def test_el8_has_no_drop_ins_and_an_older_name(tmp_path):
    options = {"distribution": ("almalinux", "8.10")}
    made = change(tmp_path, None, config="UsePAM yes\n", includes="alone", effective=LOOSE, options=options)
    assert "+ChallengeResponseAuthentication no" in made.diff
    assert "systemctl reload sshd.service" in made.apply


def test_a_proxy_opens_its_forwarded_port_to_others(tmp_path):
    assert "GatewayPorts yes" in change(tmp_path, OURS, options={"hive_http_proxy": "p:8080"}).diff
    values = BaseVariables(hive_private_ip="10.1.0.4", hive_http_proxy="p:8080")
    [early] = way_to_the_proxy(server(tmp_path), values)
    assert early.relogin
    assert early.guard is not None
    assert "GatewayPorts yes" in early.decide(Observed(said(OURS))).diff
    assert way_to_the_proxy(server(tmp_path), BaseVariables(hive_private_ip="10.1.0.4")) == []


def test_a_file_that_has_no_effect_is_a_failure(tmp_path):
    with pytest.raises(OperationFailed, match="passwordauthentication yes, although our settings come first"):
        change(tmp_path, OURS, effective=LOOSE)


def test_a_vulnerable_build_waits_for_ever_and_for_few(tmp_path):
    made = change(tmp_path, OURS, build="vulnerable")
    assert "+LoginGraceTime 0" in made.diff
    assert "+MaxStartups 10:30:60" in made.diff
    assert "LoginGraceTime" not in OURS


def test_the_full_candidate_is_checked_before_it_is_installed(tmp_path):
    made = change(tmp_path, None, effective=LOOSE)
    validation = made.apply.split("systemctl reload")[0]
    assert "Include %s\\n" in validation
    assert validation.count("sshd -t") == 2
    assert "grep -qx '\"'\"'passwordauthentication no'" in validation


def test_all_changes_of_sshd_are_guarded(tmp_path):
    operations = login(server(tmp_path, distribution=ALMA), BaseVariables(hive_private_ip="10.1.0.4"))
    guards = {op.guard for op in operations if op.name.endswith("sshd_config") or op.name == "settings of sshd"}
    assert len(guards) == 1
    [guard] = guards
    assert "/etc/ssh/sshd_config.d/00-hive.conf" in guard.save
    assert "hv_putback" in guard.restore


def test_settings_are_compared_in_any_case():
    assert wrong_settings("usedns NO\nport 22\n", {"UseDNS": "no"}) == []
    assert wrong_settings("port 22\n", {"UseDNS": "no"}) == ["usedns (unknown)"]


def test_a_setting_cannot_bring_another_one(tmp_path):
    with pytest.raises(ValueError, match="one line"):
        settings_in_effect(server(tmp_path).os.sshd, {"UseDNS": "no\nPermitRootLogin yes"}, "false", guard=None)
