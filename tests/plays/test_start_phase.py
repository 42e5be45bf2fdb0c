"""Where `run all` begins (spec setup-hosts.md T-3)."""

from __future__ import annotations

import dataclasses

import pytest

from hive_nornir import Site
from hive_nornir.inventory.persistents import Persistents
from hive_nornir.plays.phase import PhaseOptions
from hive_nornir.plays.start_phase import note_success, remaining
from hive_nornir.runs.report import HostReport, RoleReport, RunReport
from hive_nornir.site import PHASES


@pytest.fixture
def persistents(tmp_path):
    return Persistents(tmp_path, "private")


def options(phase, **narrowed):
    return dataclasses.replace(PhaseOptions(phase, None, (), check=False, halt=False, destroy=False), **narrowed)


def test_each_phase_that_ends_well_moves_it_on_and_the_last_one_back_to_the_beginning(persistents):
    assert remaining(persistents) == PHASES
    for number, phase in enumerate(PHASES[:-1]):
        note_success(persistents, options(phase))
        assert remaining(persistents) == PHASES[number + 1 :]
    note_success(persistents, options(PHASES[-1]))
    assert remaining(persistents) == PHASES


@pytest.mark.parametrize(
    "narrowed",
    [{"check": True}, {"limited": True}, {"roles": ["base"]}, {"servers": ("p-hive0.x",)}, {"halt": True}, {"destroy": True}],
    ids=lambda given: next(iter(given)),
)
def test_a_narrowed_run_moves_nothing(persistents, narrowed):
    persistents.set("start_phase", PHASES[1])
    note_success(persistents, options(PHASES[1], **narrowed))
    assert remaining(persistents)[0] == PHASES[1]


def test_an_early_phase_that_is_repeated_moves_nothing_back(persistents):
    persistents.set("start_phase", PHASES[-1])
    note_success(persistents, options(PHASES[0]))
    assert remaining(persistents)[0] == PHASES[-1]


def test_servers_that_were_destroyed_have_everything_before_them(persistents):
    persistents.set("start_phase", PHASES[-1])
    note_success(persistents, options(PHASES[0], destroy=True))
    assert remaining(persistents) == PHASES


class TestRunAll:
    """`Site.run_all`, with phases that only say how they end."""

    @pytest.fixture
    def site(self, tmp_path, monkeypatch):
        (tmp_path / "inventory").mkdir()
        site = Site.open(tmp_path, "private")
        self.begun, self.failing = [], ""
        monkeypatch.setattr(site, "check", lambda: None)
        monkeypatch.setattr(site, "run", lambda phase, **given: self.run(site, phase, **given))
        return site

    def run(self, site, phase, *, check, **_given):
        self.begun.append(phase)
        status = "failed" if phase == self.failing else "would-change" if check else "ok"
        report = RunReport(phase, "private", check, hosts={"h": HostReport("h", {"r": RoleReport("r", "p", status, int(check))})})
        if report.ok:
            note_success(site.context.persistents, options(phase, check=check))
        return report

    def test_it_stops_at_the_first_phase_that_fails_and_goes_on_from_there(self, site):
        self.failing = PHASES[1]
        assert [report.ok for report in site.run_all()] == [True, False]
        self.begun, self.failing = [], ""
        assert all(report.ok for report in site.run_all())
        assert self.begun == list(PHASES[1:])
        self.begun = []
        site.run_all()
        assert self.begun == list(PHASES)

    def test_the_phase_to_begin_with_can_be_said_and_counts_when_it_fails(self, site):
        self.failing = PHASES[-1]
        site.run_all(start=PHASES[-2])
        assert self.begun == list(PHASES[-2:])
        assert remaining(site.context.persistents) == PHASES[-1:]

    def test_a_plan_ends_where_servers_are_still_to_be_built(self, site):
        site.run_all(check=True)
        assert self.begun == [PHASES[0]]
        assert not site.context.persistents.store.file.exists()
