"""Names of settings, hosts, zones, locales and modules that may reach a shell; what is done about them is in cases/system.yaml."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.errors import UsageError
from hive_nornir.operations import system
from hive_nornir.operations.core import Observed

BAD = ["", "a b", "$(id)", "a;b", "a\nb", "../../etc/passwd", "a'b", "-n", "/etc/passwd"]


@pytest.mark.parametrize("name", [*BAD, "a_b", "x" * 65, "a..b", "a-", "-a", "日本"])
def test_what_is_no_host_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        system.hostname(name)


@pytest.mark.parametrize("name", [*BAD, "Asia/../Tokyo", "Asia//Tokyo"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        system.timezone(name)


@pytest.mark.parametrize("name", [*BAD, "japanese", "ja_jp", "ja_JP.UTF-8 UTF-8"])
def test_what_is_no_locale_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        system.locale(name, family="debian")


@pytest.mark.parametrize("name", [*BAD[:-2], "../x"])
def test_what_is_no_module_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        system.kernel_module(name)


@pytest.mark.parametrize("name", [*BAD, "net", "net.ipv4..x", "net.ipv4/../../x"])
def test_what_is_no_setting_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        system.sysctl("/etc/sysctl.d/90-hive.conf", {name: 1})


@pytest.mark.parametrize("value", ["a\nnet.ipv4.ip_forward = 0\x1b", "\x00"])
def test_a_value_that_a_terminal_would_obey_is_refused(value: str) -> None:
    with pytest.raises(UsageError):
        system.sysctl("/etc/sysctl.d/90-hive.conf", {"kernel.core_pattern": value})


@pytest.mark.parametrize("name", ["ja_JP.UTF-8", "C.UTF-8", "en_US.utf8", "de_DE@euro", "POSIX", "fil_PH"])
def test_locales_of_all_forms_are_taken(name: str) -> None:
    assert system.locale(name, family="el").name == "locale"


@given(
    st.dictionaries(st.sampled_from(["vm.a", "vm.b", "net.c"]), st.integers(0, 99), min_size=1),
    st.text(alphabet="vm.abnetc =-#19\n", max_size=60),
)
def test_afterwards_the_file_gives_every_setting_its_value_once(settings: dict[str, int], old: str) -> None:
    operation = system.sysctl("/etc/sysctl.d/90-hive.conf", settings)
    live = "".join(f"={value} \n" for value in settings.values())
    change = operation.decide(Observed(live + old))
    if change is None:
        return
    # The new text stands in the shell as a here-document; what it says is read as sysctl(8) reads it.
    new = change.apply.partition("'\n")[2].rpartition("\n")[0]
    given = [
        (name.strip().removeprefix("-").replace("/", "."), value.strip())
        for name, sign, value in (line.partition("=") for line in new.split("\n"))
        if sign
    ]
    for name, value in settings.items():
        assert [found for other, found in given if other == name] == [str(value)]
    assert operation.decide(Observed(f"{live}{new}\n")) is None
