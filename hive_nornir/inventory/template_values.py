"""Values with a meaning of their own in templates, and the errors of rendering."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import ChainableUndefined, StrictUndefined, UndefinedError
from jinja2.runtime import Undefined

from hive_nornir.errors import HiveError

__all__ = [
    "OMIT",
    "HiveUndefined",
    "NotYetCreated",
    "Omit",
    "RenderError",
    "UndefinedVariableError",
    "marking_secrets",
    "note_secrets",
    "plain",
]


class RenderError(HiveError):
    """A template of the site cannot be rendered.

    :param located: whether the message names the object and the variable already.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "", *, located: bool = False) -> None:
        super().__init__(message, hint)
        self.located = located


class UndefinedVariableError(RenderError):
    """A template needs a variable that the object does not have."""


class Omit:
    """What the variable `omit` stands for: the key or item that has this value is left out."""

    _only: Omit | None = None

    def __new__(cls) -> Omit:
        """The one instance, so that `is OMIT` holds after copies."""
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __copy__(self) -> Omit:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Omit:
        return self

    def __repr__(self) -> str:
        return "omit"


OMIT = Omit()


class NotYetCreated(str):
    """A text that holds a secret which does not exist before the first real run, as a plan sees it.

    :ivar path: the file that will hold the secret.
    """

    __slots__ = ("path",)
    path: Path

    @classmethod
    def of(cls, text: str, path: Path) -> NotYetCreated:
        """`text` marked as depending on the secret in `path`."""
        marked = cls(text)
        marked.path = path
        note_secrets(marked)
        return marked

    @classmethod
    def inside(cls, value: Any) -> NotYetCreated | None:
        """The first marked text inside of a value, of any depth."""
        if isinstance(value, cls):
            return value
        if isinstance(value, Mapping):
            return next((found for item in value.values() if (found := cls.inside(item))), None)
        if isinstance(value, (list, tuple)):
            return next((found for item in value if (found := cls.inside(item))), None)
        return None


class _Noted(threading.local):
    """The secrets that the renderings under way in a thread have met, innermost last."""

    def __init__(self) -> None:
        self.renderings: list[list[NotYetCreated]] = []


_noted = _Noted()


def note_secrets(value: Any) -> None:
    """Tell the rendering under way, if any, that it uses a value; what it gives depends on the secrets in there."""
    if _noted.renderings and (secret := NotYetCreated.inside(value)) is not None:
        _noted.renderings[-1].append(secret)


def marking_secrets(render: Callable[[], Any]) -> Any:
    """What `render` returns; a text is marked when it was made of a secret that does not exist yet, by whatever filters."""
    _noted.renderings.append([])
    try:
        value = render()
    finally:
        secrets = _noted.renderings.pop()
    return NotYetCreated.of(value, secrets[0].path) if secrets and isinstance(value, str) else value


class HiveUndefined(ChainableUndefined, StrictUndefined):
    """A missing variable: `a.b.c | default(x)` works although `a` is missing, as sites expect; any other use is an error."""

    __slots__ = ()

    def _fail(self, *_: Any, **__: Any) -> NoReturn:
        raise UndefinedError(self._undefined_message)

    # ChainableUndefined made these harmless.
    __str__ = __html__ = _fail
    __iter__ = __len__ = __eq__ = __ne__ = __bool__ = __hash__ = __contains__ = _fail


def plain(value: Any) -> Any:
    """What a template returned, as plain lists, maps and scalars: generators run, omitted keys and items gone.

    :raises UndefinedError: a part of it is undefined.
    """
    if isinstance(value, Undefined):
        raise UndefinedError(value._undefined_message)
    if isinstance(value, Mapping):
        items = ((key, plain(item)) for key, item in value.items())
        return {key: item for key, item in items if item is not OMIT}
    if isinstance(value, (list, tuple, set, frozenset, Iterator, range)):
        return [item for item in map(plain, value) if item is not OMIT]
    return value
