"""From pydantic's errors to what the operator reads: plain words, the file, the line, the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hive_nornir.errors import Problem, nearest
from hive_nornir.inventory.definitions.types import WrongError, is_template
from hive_nornir.inventory.yaml_source import Steps, YamlSource

__all__ = ["Finding", "Place", "validate"]

ModelT = TypeVar("ModelT", bound=BaseModel)

_EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
}


@dataclass(frozen=True)
class Finding:
    """Something wrong inside a map, not yet tied to a file.

    :param steps: the way from that map to the place.
    """

    steps: Steps
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Place:
    """A map in a file, such as one service."""

    source: YamlSource
    steps: Steps

    @property
    def raw(self) -> Any:
        """What stands there; copy before changing, anchors share."""
        return self.source.get(self.steps)

    def problem(self, message: str, *steps: Any, hint: str = "") -> Problem:
        """A problem at this place, or at a place inside it."""
        way = (*self.steps, *steps)
        return self.source.problem(way, f"{_named(way)}: {message}" if way else message, hint)

    def problems(self, findings: Iterator[Finding] | list[Finding]) -> list[Problem]:
        """Findings tied to this file."""
        return [self.problem(found.message, *found.steps, hint=found.hint) for found in findings]


def validate(model: type[ModelT], place: Place) -> tuple[ModelT | None, list[Problem]]:
    """Check one map against its model.

    The valid part of a wrong map is given back too, so that rules between its attributes are checked in the same pass.

    :returns: the model, None if not even the valid part makes one; and every problem, one for each wrong place.
    """
    raw = place.raw
    try:
        found = model.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_url=False)
    else:
        return found, place.problems(_missing(model, raw))
    problems = place.problems([_finding(model, detail) for detail in details])
    if not isinstance(raw, dict):
        return None, problems
    wrong = {detail["loc"][0] for detail in details if detail["loc"]}
    try:
        rest = model.model_validate({key: value for key, value in raw.items() if key not in wrong and isinstance(key, str)})
    except ValidationError:
        rest = None
    return rest, problems + place.problems(_missing(model, raw))


def _missing(model: type[BaseModel], raw: dict[Any, Any]) -> list[Finding]:
    return [Finding((), f"{key} is missing") for key in getattr(model, "required", ()) if key not in raw]


def _finding(model: type[BaseModel], detail: ErrorDetails) -> Finding:
    kind, value = detail["type"], detail["input"]
    steps = tuple(step for step in detail["loc"] if not (isinstance(step, str) and step[:1] in "<["))
    if kind in ("extra_forbidden", "invalid_key"):
        return _unknown_key(_model_at(model, steps[:-1]), steps) if steps else Finding(steps, "a key must be text")
    if kind == "missing":
        return Finding(steps[:-1], f"{steps[-1]} is missing")
    if is_template(value) and kind != "value_error":
        return Finding(steps, f"expected {_expected(detail)}; templates are not evaluated here", "write the value itself")
    if kind == "value_error":
        error = detail["ctx"]["error"]
        return Finding(steps, str(error), error.hint if isinstance(error, WrongError) else "")
    hint = nearest(str(value), _choices(detail)) if kind == "literal_error" else ""
    return Finding(steps, f"expected {_expected(detail)}, found {_shown(value)}", hint)


def _unknown_key(model: type[BaseModel], steps: Steps) -> Finding:
    hint = getattr(model, "hints", {}).get(steps[-1]) or nearest(str(steps[-1]), _keys(model))
    return Finding(steps, f"unknown key {steps[-1]!r}", hint)


def _expected(detail: ErrorDetails) -> str:
    kind, limits = detail["type"], detail.get("ctx", {})
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    if kind == "literal_error":
        return " or ".join(_choices(detail))
    if kind in ("greater_than_equal", "less_than_equal", "greater_than"):
        words = {"ge": "at least", "le": "at most", "gt": "more than"}
        return " ".join(f"{word} {limits[limit]:g}" for limit, word in words.items() if limit in limits)
    if kind in ("string_too_short", "too_short"):
        return "a value that is not empty"
    return detail["msg"].removeprefix("expected ")


def _choices(detail: ErrorDetails) -> list[str]:
    return [word.strip("'") for word in str(detail["ctx"]["expected"]).replace(" or ", ", ").split(", ")]


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return f"{'a' if value else 'an empty'} {'map' if isinstance(value, dict) else 'list'}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(model: type[BaseModel], steps: Steps) -> type[BaseModel]:
    """The model of the map at `steps`; indexes and names of entries stay in the model that they belong to."""
    for step in steps:
        for name, field in model.model_fields.items():
            if step == (field.alias or name):
                model = next(_models_in((field.annotation, *field.metadata)), model)
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every model named in a type, however deep; an attribute of ours names one at most."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in annotation if isinstance(annotation, tuple) else (*get_args(annotation), getattr(annotation, "inner", None)):
        if part is not None:
            yield from _models_in(part)


def _named(steps: Steps) -> str:
    """`services.web.ports[0]`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
