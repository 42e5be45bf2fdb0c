"""BASE-1: packages come from the site's mirror.

Only lines that lead to the vendor's own archive are changed, so what others have added to the same file stays (P-50); the file as it was is
kept by `files.edit`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hive_nornir.operations import files
from hive_nornir.operations.core import Operation

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target
    from hive_nornir.tasks.servers.base.variables import BaseVariables

__all__ = ["apt_text", "mirrors", "yum_text"]

_BASEURL = re.compile(r"^#?\s*baseurl\s*=\s*\w+://[^/\s]+(?:/[^/\s]+)*?/(?:centos|\$contentdir|almalinux)/(\S+)\s*$")
_MIRRORLIST = re.compile(r"^(mirrorlist|metalink)\s*=")
# The path's last part tells which archive it is; that it has the component main tells it from what others offer for Debian at such a path.
_APT_URI = re.compile(r"(?<=\s)(?:https?|mirror\+\w+)://[^\s]+?/(debian-security|debian|ubuntu)/?(?=\s|$)")
_ONE_LINE = re.compile(r"^deb(-src)?\s.*\smain(\s|$)")
_COMPONENTS = re.compile(r"(?m)^Components:.*\smain(\s|$)")


def mirrors(host: Target, v: BaseVariables) -> list[Operation]:
    """The vendor's own sources, as far as they exist, turned to the mirror (R-15)."""
    repositories = host.os.repositories
    if host.os.family == "debian":
        return [
            files.edit(f"mirror in {path}", path, lambda text: apt_text(text, v.hive_apt_url))
            for path in repositories.mirror_files
            if v.hive_apt_url
        ]
    if not v.hive_yum_url:
        return []
    operations = [files.edit(f"mirror in {path}", path, lambda text: yum_text(text, v.hive_yum_url)) for path in repositories.mirror_files]
    if repositories.fastestmirror:
        operations.append(files.line(repositories.fastestmirror, "enabled=0", match=r"^enabled\s*=", create=False))
    return operations


def yum_text(text: str, url: str) -> str:
    """A `.repo` file whose vendor sections take their packages from the mirror.

    :param url: without the slash at its end.
    """
    sections = re.split(r"(?m)^(?=\[)", text)
    return "".join(_yum_section(section, url) for section in sections)


def _yum_section(section: str, url: str) -> str:
    lines = section.splitlines(keepends=True)
    own = [_BASEURL.match(line) for line in lines]
    if not any(own):
        return section
    changed = []
    for line, match in zip(lines, own, strict=True):
        ending = line[len(line.rstrip("\r\n")) :]
        if match:
            changed.append(f"baseurl={url}/{match[1]}{ending}")
        else:
            changed.append(f"#{line}" if _MIRRORLIST.match(line) else line)
    return "".join(changed)


def apt_text(text: str, url: str) -> str:
    """A sources file, one-line or deb822, that uses the mirror.

    :param url: without the slash at its end.
    """

    def at_mirror(match: re.Match[str]) -> str:
        security = match[1] == "debian-security"
        return f"{url.rpartition('/')[0]}/debian-security" if security else url

    changed = []
    for stanza in re.split(r"(?m)^(?=\s*$)", text):
        deb822 = _COMPONENTS.search(stanza)
        for line in stanza.splitlines(keepends=True):
            own = _ONE_LINE.match(line) or (deb822 and line.startswith("URIs:"))
            changed.append(_APT_URI.sub(at_mirror, line) if own else line)
    return "".join(changed)
