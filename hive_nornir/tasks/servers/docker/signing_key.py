"""The OpenPGP key that signs a package repository: fetched by the host, and installed only if it is the pinned one (DOC-1)."""

from __future__ import annotations

import base64
import binascii
import hashlib

from hive_nornir.operations.core import Change, Observed, Operation, quote

__all__ = ["pinned_key", "primary_fingerprints"]

_PUBLIC_KEY = 6

# $hv_v is the candidate, $1 the fingerprint. The fingerprint of a version 4 key is the SHA-1 of its packet as it stands at the beginning
# of the file, with the two-byte length that all programs write (RFC 4880, 12.2); so the host needs no gpg.
_CHECK = r"""check() {
  sed -e '1,/^[[:space:]]*$/d' -e '/^[=-]/,$d' "$hv_v" | tr -d '\r' | base64 -d >"$hv_v.key" || return 1
  set -- "$1" $(od -An -tu1 -N3 "$hv_v.key")
  [ "$2" = 153 ] && [ "$(head -c $(($3 * 256 + $4 + 3)) "$hv_v.key" | sha1sum | cut -c1-40 | tr a-f A-F)" = "$1" ]
}
check FINGERPRINT; code=$?; rm -f "$hv_v.key"
[ $code = 0 ] || { echo "it is not the key FINGERPRINT" >&2; exit 1; }"""


def pinned_key(path: str, url: str, fingerprint: str) -> Operation:
    """The key of a repository in a file of the host.

    :param path: where package managers are told to look for it.
    :param url: where its owner publishes it, ASCII-armoured.
    :param fingerprint: 40 hexadecimal digits; a file with another key, or with further ones, is replaced, and refused if fetched.
    """
    quoted = quote(path)
    folder = quote(path.rpartition("/")[0])

    def decide(seen: Observed) -> Change | None:
        found = primary_fingerprints(seen.text)
        if found == [fingerprint]:
            return None
        # To a file first: of a pipe's programs, sh tells only whether the last one failed.
        fetch = (
            f"mkdir -p -m 755 -- {folder}; hv_fetched=$(mktemp); trap 'rm -f \"$hv_fetched\"' EXIT\n"
            f"if command -v curl >/dev/null; then curl -fsSL -m 60 -o $hv_fetched {quote(url)}\n"
            f"else wget -q -T 60 -O $hv_fetched {quote(url)}; fi\n"
            f"hv_write {quoted} 644 root:root {quote(_CHECK.replace('FINGERPRINT', fingerprint))} <$hv_fetched"
        )
        return Change(f"fetch {url}, key {fingerprint}", fetch, "\n".join([*(f"- {one}" for one in found), f"+ {fingerprint}"]))

    return Operation(f"key {path}", f"cat {quoted} 2>/dev/null", decide)


def primary_fingerprints(armoured: str) -> list[str]:
    """The fingerprints of the primary keys in an ASCII-armoured text, upper case; empty if it cannot be read (RFC 4880, 4.2 and 12.2)."""
    try:
        body = armoured.replace("\r", "").split("\n\n", 1)[1].split("\n-----END")[0].split("\n=")[0]
        data = base64.b64decode(body)
        return [
            hashlib.sha1(b"\x99" + len(packet).to_bytes(2, "big") + packet).hexdigest().upper()  # noqa: S324 - as OpenPGP defines it
            for tag, packet in _packets(data)
            if tag == _PUBLIC_KEY
        ]
    except (IndexError, ValueError, binascii.Error, OverflowError):
        return []


def _packets(data: bytes) -> list[tuple[int, bytes]]:
    """Tag and body of each packet; those of keys have a known length."""
    found, at = [], 0
    while at < len(data):
        head = data[at]
        if head & 0x40:
            tag, first = head & 0x3F, data[at + 1]
            if first < 192:
                size, start = first, at + 2
            elif first < 224:
                size, start = ((first - 192) << 8) + data[at + 2] + 192, at + 3
            elif first == 255:
                size, start = int.from_bytes(data[at + 2 : at + 6], "big"), at + 6
            else:
                raise ValueError("a packet in parts")
        else:
            tag, width = (head & 0x3C) >> 2, head & 3
            if not head & 0x80 or width == 3:
                raise ValueError("no packet of a known length")
            start = at + 1 + (1 << width)
            size = int.from_bytes(data[at + 1 : start], "big")
        at = start + size
        if at > len(data):
            raise ValueError("half a packet")
        found.append((tag, data[start:at]))
    return found
