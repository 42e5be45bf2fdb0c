"""Node labels that say what runs here."""

from __future__ import annotations

import pytest

from hive_vip.marks import after, decide

HERE = "node-here"


@pytest.mark.parametrize(
    ("wanted", "present", "ours", "steps"),
    [
        (["web"], {}, {}, ["set web"]),
        (["web"], {"web": "true"}, {"web": HERE}, []),
        (["web"], {}, {"web": HERE}, ["set web"]),  # somebody took it away
        (["web"], {"web": "false"}, {"web": HERE}, ["set web"]),
        ([], {"web": "true"}, {"web": HERE}, ["unset web"]),
        ([], {"web": "true"}, {}, []),  # somebody else's
        ([], {"web": "other"}, {"web": HERE}, ["forget web"]),  # somebody's by now
        ([], {}, {"web": HERE}, ["forget web"]),
        ([], {"web": "true"}, {"web": "node-before"}, ["forget web"]),  # the host joined anew, and has labels of its own
        (["db"], {"web": "true"}, {"web": HERE}, ["set db", "unset web"]),
        ([], {"hives": "true"}, {"hives": HERE}, ["forget hives"]),  # since then the label of a group
    ],
)
def test_what_is_done_about_labels(wanted, present, ours, steps):
    found = decide(wanted, present, ours, HERE, {"hives"})
    assert [str(step).replace(" node label", "") for step in found.steps] == steps
    assert found.errors == {}


def test_a_label_of_somebody_else_is_refused():
    found = decide(["web"], {"web": "true"}, {}, HERE, ())
    assert (found.steps, found.errors) == ((), {"web": "the node has a label web already, and it was not this daemon that set it"})


def test_labels_of_others_stay():
    steps = decide(["db"], {"web": "true", "hives": "true"}, {"web": HERE}, HERE, ()).steps
    assert after({"web": "true", "hives": "true"}, steps) == {"hives": "true", "db": "true"}
