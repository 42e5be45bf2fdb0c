"""Other images in place of the defined ones: `tag-mapping.json` of a stage (spec images-networks-volumes-services.md 1.3)."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

from hive_nornir.errors import DefinitionErrors, Problem

__all__ = ["FILE", "TagMapping", "normalised"]

FILE = "tag-mapping.json"
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_REFERENCE = re.compile(
    r"(?:(?:[a-zA-Z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)


class TagMapping:
    """References of images and what is taken instead of them; threads may share one.

    :param names: old reference -> new one.
    """

    def __init__(self, names: dict[str, str]) -> None:
        self._names = {normalised(old): (old, new) for old, new in names.items()}
        self._used: set[str] = set()
        self._lock = threading.Lock()

    @classmethod
    def load(cls, context_dir: Path) -> TagMapping:
        """A stage's mapping; without the file an empty one.

        :param context_dir: the stage's folder, `.hive/<stage>`.
        :raises DefinitionErrors: the file is no JSON object of texts, two entries are for the same image, or a text is no reference.
        """
        file = context_dir / FILE
        try:
            text = file.read_text("utf-8")
        except FileNotFoundError:
            return cls({})
        except (OSError, UnicodeDecodeError) as error:
            raise DefinitionErrors([Problem(file, 0, f"it cannot be read: {error}")]) from error
        try:
            pairs = json.loads(text, object_pairs_hook=_Pairs)
        except json.JSONDecodeError as error:
            raise DefinitionErrors([Problem(file, error.lineno, f"no JSON: {error.msg}")]) from error
        problems = _problems(file, text, pairs)
        if problems:
            raise DefinitionErrors(problems)
        return cls(dict(pairs))

    def resolve(self, reference: str) -> str:
        """The image that is taken for a reference: the mapped one, else the reference as it is.

        `nginx` and `nginx:latest` are the same, as are `docker.io/library/nginx` and `nginx`.
        """
        key = normalised(reference)
        if key not in self._names:
            return reference
        with self._lock:
            self._used.add(key)
        return self._names[key][1]

    def applied(self) -> dict[str, str]:
        """What was mapped so far: old -> new, as the file has them."""
        return {old: new for key, (old, new) in self._names.items() if key in self._used}

    def unmatched(self, references: list[str]) -> list[str]:
        """The entries that none of the references is for: misspelt, or for images that are used no more.

        :param references: of all images that the stage uses.
        """
        known = {normalised(reference) for reference in references}
        return [old for key, (old, _) in self._names.items() if key not in known]


def normalised(reference: str) -> str:
    """A reference with what Docker adds by itself: the tag `latest`, and without Docker Hub's own names."""
    reference = reference.strip()
    for hub in ("docker.io/", "index.docker.io/", "registry-1.docker.io/"):
        reference = reference.removeprefix(hub)
    if "/" in (rest := reference.removeprefix("library/")) or rest == reference:
        rest = reference
    if _DIGEST.search(rest) or ":" in rest.rpartition("/")[2]:
        return rest
    return f"{rest}:latest"


class _Pairs(list[tuple[str, object]]):
    """An object's entries, also those that come twice."""


def _problems(file: Path, text: str, pairs: object) -> list[Problem]:
    if not isinstance(pairs, _Pairs):
        return [Problem(file, 1, "expected a JSON object: old reference -> new one", '{"nginx:stable": "nginx:1.27.3"}')]
    found: list[Problem] = []
    seen: dict[str, str] = {}
    for old, new in pairs:
        line = _line(text, old)
        if not _REFERENCE.fullmatch(old):
            found.append(Problem(file, line, f"{old!r} is no reference of an image"))
        if not isinstance(new, str) or not _REFERENCE.fullmatch(new):
            found.append(Problem(file, line, f"{old}: expected a reference of an image, found {json.dumps(new)}"))
        if (key := normalised(old)) in seen:
            found.append(Problem(file, line, f"{old} and {seen[key]} are the same image", "remove one of them"))
        seen[key] = old
    return found


def _line(text: str, key: str) -> int:
    at = text.rfind(json.dumps(key))
    return text.count("\n", 0, at) + 1 if at >= 0 else 1
