import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_nornir.errors import DefinitionErrors, HiveError
from hive_nornir.inventory.allocations import DEVICE_IDS, PORTS, allocate_device_ids, allocate_ports, port_key
from tests.inventory.support import load


def volumes(*names: str, **given_ids: int) -> str:
    text = ""
    for name in names:
        more = f", device_id: {given_ids[name]}" if name in given_ids else ""
        drbd = f"{{size: 1G, fstype: xfs{more}}}"
        text += f"  s-{name}:\n    image: x\n    volumes: [{{source: {name}, target: /v, type: volume, drbd: {drbd}}}]\n"
    return text


def ports(**services: str) -> str:
    return "".join(f"  {name}: {{image: x, ports: {written}}}\n" for name, written in services.items())


def test_device_ids_are_the_lowest_that_are_free_in_the_order_of_the_definitions(tmp_path):
    found = allocate_device_ids(load(tmp_path, volumes("a", "b", "c", b=2)), {"old": 1})
    assert found.numbers == {"old": 1, "b": 2, "a": 3, "c": 4}
    assert found.added == {"b": 2, "a": 3, "c": 4}
    assert found.stale == ("old",)


def test_volumes_that_no_stage_of_the_hive_has_count_too_as_in_hive_builder(tmp_path):
    text = volumes("a", "b").replace("image: x\n", "image: x\n    available_on: [staging]\n", 1)
    assert allocate_device_ids(load(tmp_path, text), {}).numbers == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("given_id", "recorded", "words", "hint"),
    [
        (7, {"a": 3}, "has device id 3 on its servers, it cannot become 7", "destroy the volume first"),
        (7, {"b": 7}, "device id 7 belongs to 'b'", "choose another"),
        (7, {"gone": 7}, "device id 7 belongs to 'gone'", "release"),
    ],
)
def test_a_given_device_id_never_changes_or_takes_a_recorded_one(tmp_path, given_id, recorded, words, hint):
    with pytest.raises(DefinitionErrors) as caught:
        allocate_device_ids(load(tmp_path, volumes("a", "b", a=given_id)), recorded)
    (found,) = caught.value.problems
    assert words in found.message
    assert hint in found.hint
    assert (found.file.name, found.line) == ("services.yml", 5)


def test_when_no_device_id_is_free_the_stale_ones_are_named(tmp_path):
    with pytest.raises(HiveError) as caught:
        allocate_device_ids(load(tmp_path, volumes("a")), {f"v{number}": number for number in DEVICE_IDS})
    assert "all of 1 to 255 are taken" in caught.value.message
    assert "v255" in caught.value.hint


def test_ports_are_assigned_from_61001_and_recorded_with_their_protocol(tmp_path):
    found = allocate_ports(load(tmp_path, ports(a="[80, '80/udp', '61002:1']", a1="[23]")), {}, "private")
    assert found.numbers == {"a:80/tcp": 61001, "a:80/udp": 61003, "a1:23/tcp": 61004}


def test_hive_builders_keys_are_taken_over(tmp_path):
    site = load(tmp_path, ports(a="[123, '123/udp']", a1="[23]", web="['443:443', 80]"))
    found = allocate_ports(site, {"a123": 61007, "web443": 443, "gone80": 61001, "web80": 61009}, "private")
    assert found.numbers == {"gone80": 61001, "a:123/tcp": 61007, "a:123/udp": 61007, "web:80/tcp": 61009, "a1:23/tcp": 61002}
    assert found.stale == ("gone80",)
    assert allocate_ports(site, found.numbers, "private").numbers == found.numbers


def test_a_service_cannot_publish_a_port_that_is_assigned_to_another(tmp_path):
    site = load(tmp_path, ports(a="[80]", b="['61001:80', '61001:80/udp']"))
    with pytest.raises(DefinitionErrors) as caught:
        allocate_ports(site, {"a:80/tcp": 61001}, "private")
    assert [(p.line, "61001/tcp is assigned to a:80/tcp" in p.message) for p in caught.value.problems] == [(4, True)]
    elsewhere = load(tmp_path, ports(a="[80], available_on: [staging]", b="['61001:80']"))
    assert allocate_ports(elsewhere, {"a:80/tcp": 61001}, "private").added == {}


def test_when_no_port_is_free(tmp_path):
    with pytest.raises(HiveError, match="all of 61001 to 65534 are taken"):
        allocate_ports(load(tmp_path, ports(a="[80]")), {f"x:{number}/tcp": number for number in PORTS}, "private")


names = st.lists(st.from_regex(r"[a-c][0-9]?", fullmatch=True), unique=True, max_size=6)


@settings(max_examples=40, deadline=None)
@given(names, st.data())
def test_numbers_never_change_whatever_comes_goes_or_moves(tmp_path_factory, first, data):
    second = data.draw(st.permutations(list({*first, *data.draw(names)})))[: data.draw(st.integers(0, 8))]
    folder = tmp_path_factory.mktemp("site")

    drbd = "{size: 1G, fstype: xfs}"

    def both(wanted, ids, numbers):
        text = "".join(
            f"  {name}: {{image: x, ports: [1, 23, '1/udp'], volumes: [{{source: v{name}, target: /v, drbd: {drbd}}}]}}\n"
            for name in wanted
        )
        site = load(folder, text or "  z: {image: x}\n")
        return allocate_device_ids(site, ids), allocate_ports(site, numbers, "private")

    old_ids, old_ports = both(first, {}, {})
    new_ids, new_ports = both(second, old_ids.numbers, old_ports.numbers)
    for old, new, valid in ((old_ids, new_ids, DEVICE_IDS), (old_ports, new_ports, PORTS)):
        assert old.numbers.items() <= new.numbers.items()
        assert len(set(new.numbers.values())) == len(new.numbers)
        assert all(number in valid for number in new.numbers.values())
        assert new.numbers == {**old.numbers, **new.added}
    assert {port_key(name, 23, "tcp") for name in second} <= set(new_ports.numbers)
    assert set(new_ids.stale) == {f"v{name}" for name in first if name not in second}
