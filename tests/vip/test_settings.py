"""What the environment may say."""

from __future__ import annotations

from math import inf

import pytest

from hive_vip.settings import Settings


def test_the_defaults():
    found = Settings.read({}, {})
    assert (found.log_level, found.refresh, found.max_delay, found.grace, found.quorum_grace) == ("INFO", 30, 5, 10, 30)
    assert found.reserved == frozenset()


def test_every_variable_counts_also_as_hive_builder_spells_it():
    found = Settings.read(
        {
            "HIVE_LOG_LEVEL": "debug",
            "HIVE_STREAM_REFLESH_INTERVAL": "7",
            "HIVE_STREAM_MAX_DELAY": "2.5",
            "HIVE_VIP_GRACE_PERIOD": "3",
            "HIVE_VIP_WITHOUT_QUORUM": "keep",
        },
        {"group_labels": ["hives", "servers"]},
    )
    assert (found.log_level, found.refresh, found.max_delay, found.grace, found.quorum_grace) == ("DEBUG", 7, 2.5, 3, inf)
    assert found.reserved == {"hives", "servers"}
    assert Settings.read({"HIVE_STREAM_REFRESH_INTERVAL": "9", "HIVE_STREAM_REFLESH_INTERVAL": "7"}, {}).refresh == 9
    assert Settings.read({"HIVE_VIP_WITHOUT_QUORUM": "60"}, {}).quorum_grace == 60


@pytest.mark.parametrize("value", ["soon", "-1", "0", "nan", "inf", "1e9"])
def test_what_is_no_number_of_seconds_is_told(value):
    with pytest.raises(ValueError, match=r"HIVE_STREAM_MAX_DELAY is .*: a number of seconds is expected"):
        Settings.read({"HIVE_STREAM_MAX_DELAY": value}, {})


def test_an_unknown_level_is_told():
    with pytest.raises(ValueError, match="HIVE_LOG_LEVEL is 'LOUD': DEBUG, INFO, WARNING or ERROR is"):
        Settings.read({"HIVE_LOG_LEVEL": "loud"}, {})
