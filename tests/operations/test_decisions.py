"""From what a host said to what is to be done, for the cases in cases/*.yaml; each file says where its observations come from.

A case: `call` (module.factory), `with` (its arguments; names in restart_on, reload_on and on stand for other operations), `which` (of the
operations that it makes, the last one by default), `observed`, `exit_code`, `triggered`, and `expect`: nothing; or an error that begins so;
or the change: `summary`, `diff`, `runs` and `never` (what its shell holds and does not hold), `unknown`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Observed, Operation

CASES = [
    pytest.param(case, id=f"{file.stem}: {case['name']}")
    for file in sorted(Path(__file__).with_name("cases").glob("*.yaml"))
    for case in yaml.safe_load(file.read_text("utf-8"))
]


def operation_of(case: dict[str, Any]) -> Operation:
    module, _, factory = case["call"].partition(".")
    others = {
        key: [Operation(name, ":", lambda _: None) for name in case["with"][key]]
        for key in case["with"]
        if key in ("on", "restart_on", "reload_on")
    }
    made = getattr(import_module(f"hive_nornir.operations.{module}"), factory)(**(case["with"] | others))
    return made if isinstance(made, Operation) else made[case.get("which", -1)]


@pytest.mark.parametrize("case", CASES)
def test_decision(case: dict[str, Any]) -> None:
    operation, expect = operation_of(case), case["expect"]
    seen = Observed(case["observed"], case.get("exit_code", 0), case.get("triggered", False))
    if "error" in expect:
        with pytest.raises(OperationFailed) as caught:
            operation.decide(seen)
        assert str(caught.value).startswith(expect["error"])
        return
    change = operation.decide(seen)
    if expect == "nothing":
        assert change is None, change
        return
    assert change is not None
    assert (change.summary, change.diff) == (expect["summary"], expect.get("diff", ""))
    assert [text for text in expect.get("runs", []) if text not in change.apply] == [], change.apply
    assert [text for text in expect.get("never", []) if text in change.apply] == [], change.apply
    assert change.unknown == expect.get("unknown", "")
