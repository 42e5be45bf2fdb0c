"""How the repository server files the logs that it receives: the daemon's configuration and the rotation (spec setup-hosts.md 4.25)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

__all__ = ["ERRORS", "FOLDER", "GROUP", "INCLUDES", "OTHERS", "configuration_text", "rotation_text", "tcp_listener", "udp_listener"]

FOLDER, ERRORS, OTHERS = "/var/log/services", "/var/log/service-error.log", "/var/log/service-other-facility.log"
INCLUDES = "/etc/rsyslog-services.d"
# The monitoring agent's, which reads them.
GROUP = "zabbix"

_HEADER = "# Written by hive-nornir: role rsyslogd.\n"
# RSL-4: names that senders choose become names of files. 64 characters of each are far below what a file system takes.
_NAMES = """
template(name="hive-app" type="list") {
  property(name="programname" position.from="1" position.to="64" securepath="replace" controlcharacters="drop")
}
template(name="hive-host" type="list") {
  property(name="hostname" position.from="1" position.to="64" securepath="replace" controlcharacters="drop")
}
template(name="hive-log-file" type="string" string="%$.log%")
"""
_TIME = "".join(
    f'  property(name="timereported" dateFormat="{part}") constant(value="{after}")\n'
    for part, after in zip(("year", "month", "day", "hour", "minute", "second"), "// :: ", strict=True)
)
_MESSAGE = '  property(name="syslogtag") property(name="msg" spifno1stsp="on") property(name="msg" droplastlf="on") constant(value="\\n")\n'
# The monitoring's log item reads the time from the beginning of the line; what the includes copy says where it came from.
_LINES = (
    f'template(name="hive-log-line" type="list") {{\n{_TIME}  property(name="hostname") constant(value=" ")\n{_MESSAGE}}}\n'
    f'template(name="hive-error-line" type="list") {{\n{_TIME}  property(name="$.log") constant(value=" ")\n{_MESSAGE}}}\n'
)


def udp_listener(port: int) -> str:
    """Anybody whom the packet filter lets in is believed."""
    return f'module(load="imudp")\ninput(type="imudp" port="{port}" ruleset="hive-services")\n'


def tcp_listener(port: int, peers: Collection[str]) -> str:
    """TLS, and only for whoever has a certificate of the site's authority for one of these names (RSL-1)."""
    return (
        'module(\n  load="imtcp" keepAlive="on"\n  streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/name"\n'
        f'  permittedPeer={_array(peers)}\n)\ninput(type="imtcp" port="{port}" ruleset="hive-services")\n'
    )


def configuration_text(listener: str, servers: Mapping[str, str], *, group: str, umask: str) -> str:
    """services.conf: the listener, and where the messages go that it receives (RSL-2, RSL-3).

    What a container sends by itself, and not through its server's Docker, goes into a file of the container's name.

    :param servers: name -> address of the servers that may send.
    :param group: the files' group, "" where the daemon cannot give files away and their folder decides.
    :param umask: of the daemon, "" to leave it.
    """
    addresses = _array(["127.0.0.1", "::1", *servers.values()])
    names = _array(["localhost", *servers, *(name.partition(".")[0] for name in servers)])
    owner = f' fileGroup="{group}"' if group else ""
    rules = f"""
ruleset(name="hive-services") {{
  set $.app = exec_template("hive-app");
  set $.host = exec_template("hive-host");
  if $.app startswith "." then {{ set $.app = "_" & $.app; }}
  if $.host startswith "." then {{ set $.host = "_" & $.host; }}
  if not ($fromhost-ip == {addresses}) then {{
    set $.log = "{FOLDER}/" & $.host & ".log";
  }} else if $syslogfacility-text == "local0" then {{
    set $.log = "{FOLDER}/" & $.app & ".log";
  }} else if $syslogfacility-text == "local1" then {{
    set $.log = "{FOLDER}/" & $.host & "." & $.app & ".log";
  }} else if not ($hostname == {names}) then {{
    set $.log = "{FOLDER}/" & $.host & ".log";
  }} else {{
    set $.log = "{OTHERS}";
  }}
  action(type="omfile" dynaFile="hive-log-file" template="hive-log-line" fileCreateMode="0640"{owner} dynaFileCacheSize="100")
  $IncludeConfig {INCLUDES}/*.conf
}}
"""
    return f"{_HEADER}{f'$Umask {umask}{chr(10)}' if umask else ''}{listener}{_NAMES}{_LINES}{rules}"


def rotation_text(owner: str) -> str:
    """The file for logrotate: all that the daemon writes here, each new file readable by the monitoring agent (RSL-5).

    :param owner: as which the daemon runs.
    """
    return f"""\
{_HEADER}{FOLDER}/*.log
{ERRORS}
{OTHERS}
{{
    weekly
    rotate 4
    maxsize 500M
    missingok
    notifempty
    compress
    delaycompress
    create 0640 {owner} {GROUP}
    sharedscripts
    postrotate
        systemctl kill -s HUP rsyslog.service
    endscript
}}
"""


def _array(words: Collection[str]) -> str:
    # A script's array of texts is written as JSON's is; names and addresses hold nothing that either would escape.
    return json.dumps(list(dict.fromkeys(words)))
