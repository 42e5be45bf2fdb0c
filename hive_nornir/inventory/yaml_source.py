"""YAML files as hive-builder reads them (YAML 1.1), with the line of every key and value kept for error messages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from hive_nornir.errors import Problem

__all__ = ["Steps", "YamlSource", "load_yaml"]

Steps = tuple[Any, ...]
"""The way from the top of a file to a value: keys of maps and indexes of lists."""

_MERGE = "tag:yaml.org,2002:merge"
_BRACES_HINT = "a value that starts with {{ needs quotes around it"
_TAG_HINTS = {
    "!unsafe": "write braces that are no template between {% raw %} and {% endraw %}",
    "!vault": "what ansible-vault encrypted cannot be read: keep secrets in files of their own and use lookup('file', …)",
}
_Pairs = list[tuple[Any, yaml.Node, yaml.Node]]


class YamlSource:
    """One parsed file.

    :param file: the file as it is named in messages.
    :param data: its content as plain Python values; values behind one anchor are one object, so copy before changing.
    """

    def __init__(self, file: Path, data: Any, root: yaml.Node | None, pairs: dict[int, _Pairs]) -> None:
        self.file = file
        self.data = data
        self._root = root
        self._pairs = pairs

    def get(self, steps: Steps) -> Any:
        """The value at `steps`; KeyError, IndexError or TypeError if there is none."""
        value = self.data
        for step in steps:
            value = value[step]
        return value

    def line(self, steps: Steps) -> int:
        """The 1-based line of the key that leads to `steps` (of the value itself in a list), or of its nearest existing parent."""
        line = 0
        node = self._root
        for step in (None, *steps):
            key, node = (None, node) if step is None else self._child(node, step)
            if node is None:
                break
            line = (key or node).start_mark.line + 1
        return line

    def written(self, steps: Steps) -> str | None:
        """A scalar as it stands in the file, before YAML made a number or a boolean of it; None for maps and lists."""
        node = self._root
        for step in steps:
            _, node = self._child(node, step)
        return str(node.value) if isinstance(node, yaml.ScalarNode) else None

    def problem(self, steps: Steps, message: str, hint: str = "") -> Problem:
        """A problem at the line of `steps`."""
        return Problem(self.file, self.line(steps), message, hint)

    def _child(self, node: yaml.Node | None, step: Any) -> tuple[yaml.Node | None, yaml.Node | None]:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            return None, node.value[step]
        if isinstance(node, yaml.MappingNode):
            for key, key_node, value_node in reversed(self._pairs.get(id(node), [])):
                if key == step and type(key) is type(step):
                    return key_node, value_node
        return None, None


def load_yaml(file: Path) -> tuple[YamlSource, list[Problem]]:
    """Read one file.

    A key that is given twice, a key that is not plain text or a number, an unknown tag and every syntax error are problems.
    YAML stops at its first syntax error, so there is at most one of these; of the others all are found.

    :returns: the source (with `data` None if nothing could be read) and what is wrong with it.
    """
    text = ""
    builder = _Builder(file)
    try:
        text = file.read_bytes().decode("utf-8-sig")
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        data = None if root is None else builder.build(root)
    except OSError as error:
        return _unreadable(file, 0, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        return _unreadable(file, error.object[: error.start].count(b"\n") + 1, "is not UTF-8 text")
    except yaml.MarkedYAMLError as error:
        return _unreadable(file, *_syntax_error(error))
    except yaml.reader.ReaderError as error:
        return _unreadable(file, text[: error.position].count("\n") + 1, "holds a character that YAML forbids")
    except RecursionError:
        return _unreadable(file, 0, "is nested too deeply")
    return YamlSource(file, data, root, builder.pairs), builder.problems


def _unreadable(file: Path, line: int, message: str, hint: str = "") -> tuple[YamlSource, list[Problem]]:
    return YamlSource(file, None, None, {}), [Problem(file, line, message, hint)]


def _syntax_error(error: yaml.MarkedYAMLError) -> tuple[int, str, str]:
    mark = error.problem_mark or error.context_mark
    what = error.problem or error.context or "unknown"
    hint = "indent with spaces, never with tabs" if "'\\t'" in what or "a tab" in what else ""
    return (mark.line + 1 if mark else 0), f"YAML syntax: {what}", hint


class _Builder:
    """Makes Python values of nodes. Every node is built once, whatever number of aliases point to it."""

    def __init__(self, file: Path) -> None:
        self.problems: list[Problem] = []
        self.pairs: dict[int, _Pairs] = {}
        self._file = file
        self._scalars = yaml.constructor.SafeConstructor()
        self._built: dict[int, Any] = {}
        self._open: set[int] = set()

    def build(self, node: yaml.Node) -> Any:
        if id(node) in self._built:
            return self._built[id(node)]
        if id(node) in self._open:
            self._report(node, "an anchor holds itself")
            return None
        self._open.add(id(node))
        self._built[id(node)] = value = self._value(node)
        self._open.discard(id(node))
        return value

    def _value(self, node: yaml.Node) -> Any:
        if node.tag.startswith("!"):
            self._report(node, f"unknown tag {node.tag}", _TAG_HINTS.get(node.tag, "write the plain value"))
            return None
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return {key: self.build(value) for key, _, value in self._effective(node)}
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.build(item) for item in node.value]
        return self._scalar(node)

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            return self._scalars.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError):
            self._report(node, f"{node.value!r} is not a valid {node.tag.rsplit(':', 1)[-1]}", "put quotes around it if it is text")
            return None

    def _effective(self, node: yaml.MappingNode) -> _Pairs:
        """The pairs of a map with its merge keys (`<<`) resolved, weaker ones first; later pairs win."""
        if id(node) not in self.pairs:
            self.pairs[id(node)] = []  # so that a map that merges itself ends here
            merged = [pair for key, value in node.value if key.tag == _MERGE for pair in self._merged(value)]
            self.pairs[id(node)] = merged + self._own(node)
        return self.pairs[id(node)]

    def _own(self, node: yaml.MappingNode) -> _Pairs:
        seen: dict[Any, int] = {}
        pairs: _Pairs = []
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self._report(key_node, "a key must be plain text", _BRACES_HINT)
                continue
            key = self.build(key_node)
            if key in seen:
                self._report(key_node, f"the key {key!r} is given twice", f"the first one is in line {seen[key]}")
            seen.setdefault(key, key_node.start_mark.line + 1)
            pairs.append((key, key_node, value_node))
        return pairs

    def _merged(self, node: yaml.Node) -> Iterable[tuple[Any, yaml.Node, yaml.Node]]:
        parts = list(reversed(node.value)) if isinstance(node, yaml.SequenceNode) else [node]  # of a list, the first map wins
        for part in parts:
            if isinstance(part, yaml.MappingNode):
                yield from self._effective(part)
            else:
                self._report(part, "<< takes a map or a list of maps", "point it at an anchor: <<: *name")

    def _report(self, node: yaml.Node, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self._file, node.start_mark.line + 1, message, hint))
