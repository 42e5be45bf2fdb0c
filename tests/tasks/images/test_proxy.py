"""Which variables of the server roles in a build container have."""

from __future__ import annotations

from hive_nornir.tasks.images.proxy import proxy_variables


def test_those_of_a_proxy_and_no_others() -> None:
    text = 'LANG=C\nhttp_proxy=http://10.0.0.4:3128\nexport NO_PROXY="localhost,web"\nPIP_CERT=/on/the/server\n# https_proxy=x\n'
    assert proxy_variables(text, behind_proxy=False) == {"http_proxy": "http://10.0.0.4:3128", "NO_PROXY": "localhost,web"}
    assert proxy_variables("", behind_proxy=True) == {"PIP_CERT": "/etc/cacert_pip.pem"}
