"""Steps through an API: read, decide, change, read back."""

from __future__ import annotations

import pytest

from hive_nornir.errors import HiveError, OperationFailed
from hive_nornir.operations.api import ApiChange, ApiStep, run_steps


class Thing:
    """What an API keeps."""

    def __init__(self, state="old"):
        self.state = state
        self.writes = 0

    def write(self, state):
        self.state = state
        self.writes += 1

    def step(self, name="thing", wanted="new", written=None):
        def decide(state):
            return None if state == wanted else ApiChange("change", lambda: self.write(written or wanted), f"- {state}\n+ {wanted}")

        return ApiStep(name, lambda: self.state, decide)


def statuses(*steps, check=False):
    return [outcome.status for outcome in run_steps(steps, check=check, errors=(ConnectionError,))]


def test_what_differs_is_changed_once():
    thing = Thing()
    assert statuses(thing.step()) == ["changed"]
    assert statuses(thing.step()) == ["unchanged"]
    assert (thing.state, thing.writes) == ("new", 1)


def test_a_plan_shows_the_change_and_makes_none():
    thing = Thing()
    [outcome] = run_steps([thing.step()], check=True)
    assert (outcome.status, outcome.summary, outcome.diff) == ("would-change", "change", "- old\n+ new")
    assert thing.writes == 0


def test_a_change_that_had_no_effect_has_failed_and_nothing_behind_it_runs():
    thing, other = Thing(), Thing()
    first, second = run_steps([thing.step(written="something else"), other.step("other")], check=False)
    assert (first.status, second.status) == ("failed", "not-run")
    assert "after the change it still needs: change" in str(first.error)
    assert other.writes == 0


@pytest.mark.parametrize("error", [HiveError("ours"), OperationFailed("too"), ConnectionError("the API's")])
def test_errors_of_ours_and_of_the_api_are_failures(error):
    def read():
        raise error

    [outcome] = run_steps([ApiStep("x", read, lambda _: None)], check=False, errors=(ConnectionError,))
    assert (outcome.status, outcome.error) == ("failed", error)


def test_a_mistake_of_ours_is_not_hidden():
    with pytest.raises(KeyError):
        run_steps([ApiStep("x", lambda: {}["x"], lambda _: None)], check=False)
