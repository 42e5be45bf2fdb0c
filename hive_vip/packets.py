"""How neighbours learn that an address has moved: a gratuitous ARP, or an unsolicited neighbour advertisement (spec 2.2, SWX-14)."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from hive_vip.labels import IPAddress

__all__ = ["advertisement", "announce", "gratuitous_arp"]

_BROADCAST = b"\xff" * 6
_ETHERTYPE_ARP, _ETHERNET, _ETHERTYPE_IPV4, _REPLY = 0x0806, 1, 0x0800, 2
_NEIGHBOUR_ADVERTISEMENT, _ROUTER, _OVERRIDE, _TARGET_LINK_ADDRESS = 136, 0x80000000, 0x20000000, 2
_ALL_NODES = "ff02::1"


def announce(interface: str, mac: str, address: IPAddress) -> None:
    """Tell everybody on the network of an Ethernet interface that the address is at this host.

    :raises OSError: it cannot be sent.
    """
    hardware = bytes.fromhex(mac.replace(":", ""))
    if isinstance(address, IPv4Address):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
            link.bind((interface, 0))
            link.send(gratuitous_arp(hardware, address))
        return
    index = socket.if_nametoindex(interface)
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as icmp:
        icmp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        icmp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        icmp.bind((str(address), 0))
        icmp.sendto(advertisement(hardware, address, router=_forwards(interface)), (_ALL_NODES, 0, 0, index))


def gratuitous_arp(mac: bytes, address: IPv4Address) -> bytes:
    """The frame: an ARP reply to everybody, from and about the address (RFC 826, RFC 5944 section 4.6)."""
    ethernet = _BROADCAST + mac + struct.pack("!H", _ETHERTYPE_ARP)
    fixed = struct.pack("!HHBBH", _ETHERNET, _ETHERTYPE_IPV4, len(mac), len(address.packed), _REPLY)
    return ethernet + fixed + mac + address.packed + _BROADCAST + address.packed


def advertisement(mac: bytes, address: IPv6Address, *, router: bool) -> bytes:
    """The ICMPv6 message (RFC 4861 section 4.4), without checksum, which the kernel fills in.

    :param router: whether the host forwards: neighbours that use it as a router go on doing so.
    """
    flags = _OVERRIDE | (_ROUTER if router else 0)
    head = struct.pack("!BBHI", _NEIGHBOUR_ADVERTISEMENT, 0, 0, flags)
    return head + address.packed + struct.pack("!BB", _TARGET_LINK_ADDRESS, 1) + mac


def _forwards(interface: str) -> bool:
    setting = Path(f"/proc/sys/net/ipv6/conf/{interface}/forwarding")
    return setting.exists() and setting.read_text().strip() != "0"
