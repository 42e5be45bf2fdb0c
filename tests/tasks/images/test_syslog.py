"""What a standalone container's syslog daemon is told."""

from __future__ import annotations

from hive_nornir.tasks.images.syslog import forwarding_text


def test_everything_from_info_but_mail_authpriv_and_cron_goes_to_the_repository() -> None:
    text = forwarding_text("10.0.0.7", 10514)
    assert text.splitlines()[1] == (
        '*.info;mail.none;authpriv.none;cron.none action(type="omfwd" target="10.0.0.7" port="10514" protocol="udp")'
    )
