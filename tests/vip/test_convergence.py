"""Whatever happens: a second pass finds nothing to do, and nothing is ever removed that the daemon did not add."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hive_vip import packet_filter
from hive_vip.addresses import Addresses
from hive_vip.links import Link
from hive_vip.retries import Retries
from tests.vip.fakes import FakeHost, bound, by_address, claim, ledger

POOL = [f"10.0.0.{n}" for n in range(4, 12)] + [f"fd00::{n}" for n in range(4, 8)]
CLAIMS = st.dictionaries(
    st.sampled_from(POOL),
    st.tuples(st.sampled_from(["", "80", "80 53/udp"]), st.booleans(), st.booleans(), st.sampled_from(["", "eth0", "eth1"])),
    max_size=6,
)
# What others do between passes: add and remove addresses, flush rules, kill the daemon. Some happen together before the next pass.
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.none()),
        st.tuples(st.just("want"), CLAIMS),
        st.tuples(st.just("foreign"), st.sampled_from(POOL)),
        st.tuples(st.just("vanish"), st.sampled_from(POOL)),
        st.tuples(st.just("flush"), st.sampled_from([4, 6])),
        st.tuples(st.just("restart"), st.none()),
    ),
    max_size=16,
)


class World:
    """A host, its daemon, and what of the host is somebody else's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = FakeHost(Link("eth0", [bound("10.0.0.3/24"), bound("fd00::3/64")]), Link("eth1", [bound("192.168.0.3/24")]))
        self.foreign = self.host.bound()
        self.here = by_address()
        self.restart()

    def restart(self) -> None:
        self.ledger = ledger(self.folder)
        self.addresses = Addresses(self.host, self.ledger, Retries(lambda: 0.0), lambda: None)

    def happen(self, kind, what) -> None:
        eth0 = self.host.interfaces[0]
        if kind == "want":
            claims = [
                claim(
                    address,
                    ports=ports,
                    snat=snat,
                    container=("fd77::3" if ":" in address else "172.18.0.3") if runs else "",
                    **({"interface": name, "prefix": 24} if name else {}),
                )
                for address, (ports, snat, runs, name) in what.items()
            ]
            self.here = by_address(*claims)
        elif kind == "foreign" and what not in self.host.bound():
            self.host._replace(eth0, [*eth0.bound, bound(f"{what}/32" if "." in what else f"{what}/128")])
            self.foreign.add(what)
        elif kind == "vanish" and what not in self.foreign:
            for link in self.host.interfaces:
                self.host._replace(link, [each for each in link.bound if str(each.address) != what])
        elif kind == "flush":
            for lines in self.host.chains[what].values():
                lines.clear()
        elif kind == "restart":
            self.restart()

    def converge(self) -> None:
        self.addresses.converge(self.here)
        packet_filter.converge(self.host, self.ledger, self.here)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EVENTS)
def test_passes_converge_and_leave_others_alone(events):
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for kind, what in events:
            world.happen(kind, what)
            if kind != "pass":
                continue
            world.converge()
            done = len(world.host.done)
            world.converge()
            assert world.host.done[done:] == [], "the second pass had something to do"
            assert world.foreign <= world.host.bound()
            assert world.host.bound() - world.foreign == {str(address) for address in world.here} - world.foreign
        world.here = by_address()
        world.converge()
        assert world.host.bound() == world.foreign
        assert not [name for version in (4, 6) for _, name in world.host.chains[version] if name.startswith("HIVE-")]
        assert not [line for chains in world.host.chains.values() for lines in chains.values() for line in lines if "HIVE-" in line]
