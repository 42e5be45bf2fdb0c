"""`lookup(…)` and `query(…)` in templates: password, file and env (spec inventory.md 7)."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hive_nornir.errors import nearest
from hive_nornir.inventory.atomic import atomic_create
from hive_nornir.inventory.template_values import NotYetCreated

__all__ = ["Lookups"]

_DEFAULT_LENGTH = 20
_DEFAULT_CHARACTERS = string.ascii_letters + string.digits + ".,:-_"


@dataclass
class Lookups:
    """The lookups of one site.

    :param root: what relative paths are relative to.
    :param env: what `lookup('env', …)` reads.
    :param create: whether passwords that do not exist are made; a plan does not, and gets a `NotYetCreated` instead.
    :ivar issued: every password that was handed out, for logs to mask.
    """

    root: Path
    env: Mapping[str, str]
    create: bool = False
    issued: set[str] = field(default_factory=set, repr=False)

    def globals(self) -> dict[str, Callable[..., Any]]:
        """The functions by the names that templates use."""
        return {"lookup": self.lookup, "query": self.query, "q": self.query}

    def lookup(self, plugin: str, *terms: Any, wantlist: bool = False, **options: Any) -> Any:
        """Look something up; several terms are joined by commas, as Ansible does."""
        values = self.query(plugin, *terms, **options)
        if wantlist or len(values) == 1:
            return values if wantlist else values[0]
        return ",".join(map(str, values))

    def query(self, plugin: str, *terms: Any, **options: Any) -> list[Any]:
        """Look something up; a list of one result per term.

        :raises ValueError: an unknown lookup or option, or a missing file.
        """
        plugins: dict[str, Callable[..., Any]] = {"password": self.password, "file": self.file, "env": self.variable}
        found = plugins.get(plugin.removeprefix("ansible.builtin."))
        if found is None:
            raise ValueError(f"there is no lookup {plugin!r}: {nearest(plugin, plugins)}")
        flat = [item for term in terms for item in (term if isinstance(term, list) else [term])]
        return [found(term, **options) for term in flat]

    def password(self, term: str, length: int | str = _DEFAULT_LENGTH, chars: str | list[str] | None = None) -> str:
        """The password in a file, which is made once, readable by its owner only.

        :param term: the path, with ` length=15 chars=ascii_letters,digits` behind it or not.
        :param length: characters of a new password.
        :param chars: names of Python's `string` module or literal characters, `,,` for a comma; letters, digits and `.,:-_` unless given.
        """
        path_text, options = _split_term(str(term), {"length": length, "chars": chars})
        path = self._path(path_text)
        if path.exists():
            return self._issue(_first_line(path))
        if not self.create:
            return NotYetCreated.of(f"<the password in {path}, not yet created>", path)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        pool = _pool(options["chars"])
        password = "".join(secrets.choice(pool) for _ in range(_positive(options["length"])))
        # Whoever comes second takes the password of the first.
        return self._issue(password if atomic_create(path, f"{password}\n".encode(), 0o600) else _first_line(path))

    def _issue(self, password: str) -> str:
        self.issued.add(password)
        return password

    def file(self, term: str, rstrip: bool = True, lstrip: bool = False) -> str:
        """A file's text, without the blanks at its end."""
        path = self._path(str(term))
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ValueError(f"lookup('file'): cannot read {path}: {error.strerror}") from None
        text = text.rstrip() if rstrip else text
        return text.lstrip() if lstrip else text

    def variable(self, term: str, default: Any = "") -> Any:
        """An environment variable; empty when it is not set."""
        return self.env.get(str(term), default)

    def _path(self, text: str) -> Path:
        return self.root / Path(text).expanduser()


def _first_line(path: Path) -> str:
    # Ansible keeps ` salt=…` behind a password that it once encrypted.
    return path.read_text(encoding="utf-8").rstrip("\n").rsplit(" salt=", 1)[0]


def _split_term(term: str, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The path and the options behind it; a path may hold blanks, so only words like `name=value` at the end count."""
    words = re.match(r"(?P<path>.*?)(?P<options>(?:\s+\w+=\S*)*)\s*$", term, re.DOTALL)
    assert words is not None  # noqa: S101 - every part may be empty
    for word in words["options"].split():
        name, _, value = word.partition("=")
        if name not in options:
            raise ValueError(f"lookup('password') knows no option {name!r}: {nearest(name, options)}")
        options[name] = value
    return words["path"].strip(), options


def _positive(length: int | str) -> int:
    try:
        number = int(length)
    except ValueError:
        number = 0
    if number < 1:
        raise ValueError(f"lookup('password'): length must be a positive number, not {length!r}")
    return number


def _pool(chars: str | Iterable[str] | None) -> str:
    if not chars:
        return _DEFAULT_CHARACTERS
    names = [","] * (",," in chars) + [name for name in chars.replace(",,", ",").split(",") if name] if isinstance(chars, str) else [*chars]
    classes = {name: getattr(string, name) for name in ("ascii_letters", "ascii_lowercase", "ascii_uppercase", "digits", "hexdigits")}
    classes |= {"octdigits": string.octdigits, "punctuation": string.punctuation, "printable": string.printable}
    return "".join(dict.fromkeys("".join(classes.get(name, name) for name in names)))
