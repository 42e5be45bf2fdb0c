"""What the labels of a service ask for (spec swarm-extension.md 1.1). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface
from typing import Union

__all__ = ["IPAddress", "Port", "Refusal", "Request", "Vip", "read"]

IPAddress = Union[IPv4Address, IPv6Address]

_LABEL = re.compile(r"HIVE_(VIP|ROUTER|DNAT_PORTS|ENABLE_VIP_SNAT)([0-9]*)(_V6)?")
_PORT = re.compile(r"([0-9]{1,5})(?:/(tcp|udp))?", re.IGNORECASE)
_MARK = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Port:
    """A port of a container that is reached at the virtual IP."""

    number: int
    protocol: str


@dataclass(frozen=True)
class Vip:
    """A virtual IP of a service, with what belongs to it.

    :param label: that asks for it, `HIVE_VIP0_V6`.
    :param interface: named by the label; "" for the one whose network has the address.
    :param prefix: of the address on that interface; None without one.
    :param router: that must be reached from the address, or None.
    :param snat: whether the container speaks to the outside as this address.
    """

    service: str
    label: str
    address: IPAddress
    interface: str = ""
    prefix: int | None = None
    router: IPAddress | None = None
    ports: tuple[Port, ...] = ()
    snat: bool = False


@dataclass(frozen=True)
class Refusal:
    """A label that is not followed, or not wholly, and why."""

    service: str
    label: str
    reason: str


@dataclass(frozen=True)
class Request:
    """What a service asks for.

    :param mark: the node label that says where it runs, or "".
    """

    vips: tuple[Vip, ...] = ()
    mark: str = ""
    refusals: tuple[Refusal, ...] = ()


def read(service: str, labels: Mapping[str, str]) -> Request:
    """What a service asks for, and what of it cannot be.

    :param service: its name.
    :param labels: all of its labels; those that are not for us are left alone.
    """
    classes, refusals = _by_class(service, labels)
    vips = []
    for (number, v6), values in sorted(classes.items()):
        ending = f"{number if number >= 0 else ''}{'_V6' if v6 else ''}"
        if "VIP" not in values:
            refusals += [Refusal(service, f"HIVE_{base}{ending}", f"the service has no HIVE_VIP{ending}") for base in sorted(values)]
            continue
        try:
            address, prefix, interface = _address(values["VIP"], v6=v6)
        except ValueError as error:
            refusals.append(Refusal(service, f"HIVE_VIP{ending}", str(error)))
            continue
        router, ports, snat, wrong = _options(values, v6=v6)
        vips.append(Vip(service, f"HIVE_VIP{ending}", address, interface, prefix, router, ports, snat))
        refusals += [Refusal(service, f"HIVE_{base}{ending}", reason) for base, reason in wrong]
    mark = labels.get("HIVE_MARK", "").strip()
    if "HIVE_MARK" in labels and not _MARK.fullmatch(mark):
        refusals.append(Refusal(service, "HIVE_MARK", f"{mark!r} is no name of a label: letters, digits, and _ . - are"))
        mark = ""
    return Request(tuple(vips), mark, tuple(refusals))


def _by_class(service: str, labels: Mapping[str, str]) -> tuple[dict[tuple[int, bool], dict[str, str]], list[Refusal]]:
    """The values of the labels that belong together, by the number of their suffix (-1 without one) and whether they end with _V6.

    Of two spellings of one number (1, 01) the first counts.
    """
    classes: dict[tuple[int, bool], dict[str, str]] = {}
    refusals = []
    for label in sorted(labels, key=lambda name: (len(name), name)):
        found = _LABEL.fullmatch(label)
        if not found:
            continue
        base, digits, v6 = found.groups()
        values = classes.setdefault((int(digits) if digits else -1, bool(v6)), {})
        if base in values:
            refusals.append(Refusal(service, label, "the service has this label twice, with its number written in two ways"))
        else:
            values[base] = labels[label]
    return classes, refusals


def _address(value: str, *, v6: bool) -> tuple[IPAddress, int | None, str]:
    """The address, its prefix and its interface from `address` or `address[/prefix]@interface`.

    :raises ValueError: saying what is wrong with it.
    """
    text, at, interface = (part.strip() for part in value.partition("@"))
    if at and not interface:
        raise ValueError(f"{value!r} names no interface after the @")
    if "/" in text and not at:
        raise ValueError(f"{value!r} has a prefix and no interface: write {text}@INTERFACE, or the address alone")
    if "%" in text:
        raise ValueError(f"{text} names a zone; the interface goes behind an @")
    try:
        found = ip_interface(text)
    except ValueError:
        raise ValueError(f"{text!r} is no address") from None
    address = _of_family(found.ip, v6=v6)
    if address.is_multicast or address.is_loopback or address.is_unspecified or (v6 and address.is_link_local):
        raise ValueError(f"{address} cannot be a virtual IP")
    return address, (found.network.prefixlen if at else None), interface


def _of_family(address: IPAddress, *, v6: bool) -> IPAddress:
    if (address.version == 6) != v6:
        raise ValueError(f"{address} is an address of IPv{address.version}, for which labels {'end' if not v6 else 'do not end'} with _V6")
    if "%" in str(address):
        raise ValueError(f"{address} names a zone, which is known: it is where the virtual IP is")
    return address


def _options(values: Mapping[str, str], *, v6: bool) -> tuple[IPAddress | None, tuple[Port, ...], bool, list[tuple[str, str]]]:
    """Router, ports, SNAT; and what is wrong, by base name. A virtual IP is not withheld for it, except that no wrong port is opened."""
    router, wrong = None, []
    if values.get("ROUTER", "").strip():
        try:
            router = _of_family(ip_address(values["ROUTER"].strip()), v6=v6)
        except ValueError as error:
            wrong.append(("ROUTER", str(error)))
    ports = []
    for word in _words(values.get("DNAT_PORTS", "")):
        found = _PORT.fullmatch(word)
        if found and 1 <= int(found[1]) <= 65535:
            ports.append(Port(int(found[1]), (found[2] or "tcp").lower()))
        else:
            wrong.append(("DNAT_PORTS", f"{word!r} is no port: 80, 80/tcp or 53/udp is"))
    snat = values.get("ENABLE_VIP_SNAT", "").strip().lower()
    if snat not in ("", "true", "false"):
        wrong.append(("ENABLE_VIP_SNAT", f"{snat!r} is neither true nor false"))
    return router, tuple(dict.fromkeys(ports)), snat == "true", wrong


def _words(text: str) -> Iterator[str]:
    return (word.strip() for word in text.split(",") if word.strip())
