"""Each role alone on servers where nothing was done yet (spec setup-hosts.md T-2)."""

from __future__ import annotations

from collections.abc import Callable

from hive_nornir import Site
from hive_nornir.plays.setup_hosts import PLAYS
from tests.hosts.sites import errors


def test_a_role_alone_works_or_names_the_role_to_run_first(make_site: Callable[..., Site]):
    site = make_site(2)
    known = {role.name for play in PLAYS for role in play.roles}
    # The last ones first, so that none finds what an earlier one has done for it.
    for role in list(dict.fromkeys(role.name for play in reversed(PLAYS) for role in reversed(play.roles))):
        report = site.run("setup-hosts", roles=[role])
        for error in errors(report):
            named = error.partition("run the role ")[2].split(" ")[0]
            assert named in known, (role, error)
            assert named != role
