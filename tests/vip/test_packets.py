"""What is said to neighbours, byte by byte."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from hive_vip.packets import advertisement, gratuitous_arp

MAC = bytes.fromhex("02420a000004")


def test_a_gratuitous_arp_is_a_reply_to_all_about_the_sender_itself():
    assert gratuitous_arp(MAC, IPv4Address("10.0.0.9")).hex(" ", 2) == (
        "ffff ffff ffff 0242 0a00 0004 0806 "  # Ethernet: to all, from us, ARP
        "0001 0800 0604 0002 "  # Ethernet, IPv4, reply
        "0242 0a00 0004 0a00 0009 "  # from us
        "ffff ffff ffff 0a00 0009"  # about us
    )


def test_an_advertisement_overrides_what_was_known():
    said = advertisement(MAC, IPv6Address("fd00::9"), router=False)
    assert said.hex(" ", 2) == "8800 0000 2000 0000 fd00 0000 0000 0000 0000 0000 0000 0009 0201 0242 0a00 0004"
    assert advertisement(MAC, IPv6Address("fd00::9"), router=True)[4] == 0xA0
