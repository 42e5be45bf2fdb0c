"""How a hive gets into the swarm, or why it does not."""

import json

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.cluster.hives import Hives
from hive_nornir.tasks.cluster.membership import membership

ADDRESSES = {f"p-hive{number}.example": f"10.0.0.{number}" for number in range(3)}
FIRST, SECOND, THIRD = ADDRESSES
MANAGER, INACTIVE, NONE = ({"state": state, "manager": state == "active"} for state in ("active", "inactive", "none"))
WORKER = {"state": "active", "manager": False}
SILENT = {"state": "", "manager": False, "error": "timed out"}


def hives(own, **modes):
    return Hives(own, FIRST, ADDRESSES, {name: modes.get(name.split(".")[0].replace("-", "_"), "manager") for name in ADDRESSES})


def decide(own, text, *, check=False, **modes):
    return membership(hives(own, **modes), "/home/admin/.docker", check=check).decide(Observed(text))


def inactive(**others):
    """What a host says that is in no swarm; `hive1=MANAGER` is what another said."""
    return f"inactive||\n{json.dumps({f'p-{name}.example': said for name, said in others.items()})}"


def refused(own, text, **options):
    with pytest.raises(OperationFailed) as error:
        decide(own, text, **options)
    return str(error.value)


def test_a_member_with_its_own_address_is_left_alone():
    assert decide(SECOND, "active|10.0.0.1|\n") is None


def test_a_member_with_a_foreign_address_is_told():
    assert "known to the swarm by 192.168.1.5, and its address is 10.0.0.1" in refused(SECOND, "active|192.168.1.5|\n")


@pytest.mark.parametrize(("state", "hint"), [("locked", "docker swarm unlock"), ("pending", "start Docker"), ("error", "docker info")])
def test_a_broken_membership_is_told_and_not_mended(state, hint):
    said = refused(SECOND, f"{state}||rpc error: it is so\n")
    assert f"is {state}: rpc error: it is so" in said
    assert hint in said


def test_the_first_hive_founds_the_swarm_where_there_is_none():
    change = decide(FIRST, inactive(hive1=INACTIVE, hive2=NONE))
    assert change.summary == "found the swarm"
    assert "docker swarm init --advertise-addr 10.0.0.0 " in change.apply


def test_a_single_hive_founds_it_too():
    alone = Hives(FIRST, FIRST, {FIRST: "10.0.0.0"}, {FIRST: "manager"})
    assert membership(alone, "/x", check=False).decide(Observed("inactive||\n{}")).summary == "found the swarm"


def test_the_first_hive_joins_where_there_is_a_swarm_without_it():
    change = decide(FIRST, inactive(hive1=INACTIVE, hive2=MANAGER))
    assert change.summary == f"join as manager through {THIRD}"
    assert f"--via {THIRD} --to 10.0.0.2 --as manager --from 10.0.0.0" in change.apply


@pytest.mark.parametrize(
    "others", [{"hive1": SILENT, "hive2": SILENT}, {"hive1": WORKER, "hive2": NONE}, {"hive1": {**WORKER, "state": "locked"}}]
)
def test_no_second_swarm_is_founded_while_there_may_be_one(others):
    assert "there may be one without it: p-hive1.example" in refused(FIRST, inactive(**others))


def test_a_minority_that_is_silent_could_be_no_swarm():
    assert decide(FIRST, inactive(hive1=SILENT, hive2=INACTIVE)).summary == "found the swarm"


def test_others_join_through_the_first_hive_or_any_manager():
    assert decide(THIRD, inactive(hive0=MANAGER, hive1=MANAGER)).summary == f"join as manager through {FIRST}"
    assert decide(THIRD, inactive(hive0=SILENT, hive1=MANAGER), p_hive2="worker").summary == f"join as worker through {SECOND}"


def test_without_a_manager_the_role_is_named_to_run_on_the_first_hive():
    said = refused(THIRD, inactive(hive0=SILENT, hive1=WORKER))
    assert "p-hive0.example: timed out" in said
    assert f"run the role swarm on {FIRST} too" in said


def test_a_plan_says_what_would_be_done():
    assert decide(THIRD, inactive(hive0=NONE, hive1=NONE), check=True).summary == f"join as manager, when {FIRST} has founded the swarm"
    assert decide(THIRD, "\n", check=True).summary == "join as manager"
    assert decide(FIRST, "\n", check=True).summary == "found the swarm, or join it"
    assert decide(THIRD, "inactive||\n\n", check=True).summary == "join as manager"


def test_what_is_missing_names_its_role():
    assert "run the role docker first" in refused(SECOND, "\n")
    assert "run the role docker-client first" in refused(SECOND, "inactive||\n\n")


def test_the_token_is_nowhere():
    operation = membership(hives(SECOND), "/home/admin/.docker", check=False)
    change = operation.decide(Observed(inactive(hive0=MANAGER)))
    assert "token" not in (operation.probe + change.apply + change.diff).lower()


def test_the_first_hive_is_asked_first_and_is_always_a_manager():
    asked = membership(hives(THIRD), "/x", check=False).probe
    assert f"look {FIRST} {SECOND}" in asked
    assert f"look {SECOND} {THIRD}" in membership(hives(FIRST), "/x", check=False).probe
