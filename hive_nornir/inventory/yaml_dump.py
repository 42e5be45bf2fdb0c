"""Writing YAML that reads back as the same."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["dump_yaml"]

# YAML 1.1 takes these for line breaks; PyYAML writes them bare and reads blanks.
_LINE_BREAKS = ("\x85", "\u2028", "\u2029")


class _Dumper(yaml.SafeDumper):
    """Writes subclasses of str as texts, and texts with unusual line breaks with escapes."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if any(character in value for character in _LINE_BREAKS) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_multi_representer(str, _text)


def dump_yaml(value: Any, **options: Any) -> str:
    """YAML of plain values, other alphabets readable.

    :param options: of `yaml.dump`.
    """
    return str(yaml.dump(value, Dumper=_Dumper, **{"allow_unicode": True, **options}))
