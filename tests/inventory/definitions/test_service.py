import pytest

from tests.inventory.support import load, only


def service(text: str) -> str:
    return "  web:\n" + "".join(f"    {line}\n" for line in text.splitlines())


IMAGE = "image: nginx\n"
FIRST = 4
"""Line of the service's first attribute in the file."""

VALID = [
    IMAGE + "environment:\nhosts:\ncommand:\nuser: 1000",
    IMAGE + "command: run it\nentrypoint: [a, 1]\ndns: 1.1.1.1",
    IMAGE + "environment: '{{ everything }}'\nlabels: '{{ l }}'\nvolumes: []\nports: []",
    IMAGE + "environment: [{A: 1}, {B: '{{ b }}', C: 2}]",  # hive-builder's combine makes one map of these
    IMAGE + "environment: {A: 1, B: yes, C: 1.5, 5: '{{ omit }}', D: }",
    IMAGE + "mode: '{{ m }}'\nreplicas: '{{ r }}'\ncpu_limit: '{{ c }}'\nmem_limit: '{{ x }}'\nnetworks: ['{{ n }}']",
    IMAGE + "mode: global\nendpoint_mode: dnsrr\ncpu_limit: 1\nmem_limit: 512M\nstop_grace_period: 1m30s",
    IMAGE + "restart_config: {condition: on-failure, delay: 5s, max_attempts: 3, window: 120s}\nhealthcheck: {test: [CMD, x], retries: 3}",
    IMAGE + "placement: {constraints: 'node.hostname != a', preferences: [{spread: node.labels.zone}]}",
    IMAGE + "labels: {HIVE_MARK: x, list: [1, 2], map: {a: b}}\nlogging: {driver: journald, options: {tag: x}}",
    IMAGE + "monitor_error: [Error]\nignore_error: ['^x']\ninitialize_roles: [a]\nsysctls: {a: 1}\ncap_add: [ALL]\ncap_drop: [X]",
    IMAGE + "backup_scripts:\n- {name: a, directory: /x, container: web}\n- {name: c, batch_scripts: [x]}",
    IMAGE + "backup_scripts:\n- {name: b, backup_command: x, restore_command: y, backup_file: /z}",
    "image: {from: a, roles: [], env: {A: b}, expose: [80, '90/udp'], stop_signal: 15, standalone: true, privileged: '{{ p }}'}",
    "image: {from: a, roles: [b], pull_on: [production], pull_from: c, expose: 80, command: x, entrypoint: [y], working_dir: /, user: z}",
    IMAGE
    + "volumes:\n- {source: /x, target: /y}\n- {source: '{{ d }}/x', target: /z, readonly: true}\n- {source: '', target: /t, type: tmpfs}",
    IMAGE + "volumes:\n- {source: v, target: /y, drbd: {size: 1G, fstype: ext4, vgname: x, device_id: 255, diskless: [p-hive0.test]}}",
    IMAGE + "available_on: []",
]


@pytest.mark.parametrize("text", VALID)
def test_accepts(tmp_path, text):
    assert list(load(tmp_path, service(text)).services) == ["web"]


DRBD = "volumes:\n- source: v\n  target: /y\n  type: volume\n"
WRONG = [
    ("command: x", -1, "image is missing", ""),
    ("image:", 0, "expected an image's name, or a map", ""),
    (IMAGE + "enviroment: {}", 1, "unknown key 'enviroment'", "'environment'"),
    (IMAGE + "environment: [A=b]", 1, "expected a map, found 'A=b'", ""),
    (IMAGE + "environment: 5", 1, "expected a map, or a list of maps", ""),
    (IMAGE + "environment:\n  A: 1\n  B: [1]", 3, "expected a single value, found a list", ""),
    (IMAGE + "labels:", 1, "expected a map, found nothing", ""),
    (IMAGE + "labels:\n  HIVE_STANDALONE: x", 2, "set by the tool", "standalone"),
    (IMAGE + "available_on: [prod]", 1, "expected private or staging or production", ""),
    (IMAGE + "available_on:", 1, "expected a list, found nothing", ""),
    (IMAGE + "available_on: '{{ x }}'", 1, "templates are not evaluated here", ""),
    (IMAGE + "standalone: '{{ x }}'", 1, "templates are not evaluated here", ""),
    (IMAGE + "standalone: true\ncap_add: '{{ x }}'", 2, "a template is not possible in a standalone service", ""),
    (IMAGE + "mode: gobal", 1, "expected replicated or global", "'global'"),
    (IMAGE + "endpoint_mode: rr", 1, "expected vip or dnsrr", ""),
    (IMAGE + "replicas: 1.5", 1, "expected a whole number", ""),
    (IMAGE + "stop_grace_period: 10", 1, "expected text", ""),
    (IMAGE + "stop_grace_period: 10 s", 1, "a duration such as", ""),
    (IMAGE + "mem_limit: lots", 1, "a size such as 512M", ""),
    (IMAGE + "placement: {constraint: [a]}", 1, "unknown key 'constraint'", "'constraints'"),
    (IMAGE + "restart_config: {condition: always}", 1, "none or on-failure or any", ""),
    (IMAGE + "ignore_error: [x]", 1, "needs monitor_error", ""),
    ("image:\n  from: a", 0, "roles is missing", ""),
    ("image:\n  roles: []", 0, "from is missing", ""),
    ("image:\n  from: a\n  roles: []\n  rolls: []", 3, "unknown key 'rolls'", "'roles'"),
    ("image: {from: a, roles: [], pull_on: [staging]}", 0, "pull_on needs pull_from", ""),
    ("image: {from: a, roles: [], pull_from: x}", 0, "pull_from needs pull_on", ""),
    (IMAGE + "volumes: {}", 1, "expected a list, found an empty map", ""),
    (IMAGE + "volumes:\n- /a:/b", 2, "expected a map, found '/a:/b'", ""),
    (IMAGE + "volumes:\n- source: /a", 2, "target is missing", ""),
    (IMAGE + "volumes:\n- target: /a", 2, "source is missing", ""),
    (IMAGE + "volumes:\n- {source: '', target: /a}", 2, "source is empty", "tmpfs"),
    (IMAGE + "volumes:\n- {source: /a, target: /b, typ: bind}", 2, "unknown key 'typ'", "'type'"),
    (IMAGE + DRBD + "  nfs: {}\n  driver: local", 2, "driver and nfs exclude each other", ""),
    (IMAGE + DRBD + "  nfs: {}\n  drbd: {size: 1G, fstype: xfs}", 2, "drbd and nfs exclude each other", ""),
    (IMAGE + DRBD + "  nfs:", 2, "nfs has no value", "{}"),
    (IMAGE + DRBD + "  drbd:\n    size: 1G", 5, "fstype is missing", ""),
    (IMAGE + DRBD + "  drbd:\n    fstype: xfs", 5, "size is missing", ""),
    (IMAGE + DRBD + "  drbd:\n    fstype: zfs\n    size: 1G", 6, "expected xfs or ext4", ""),
    (IMAGE + DRBD + "  drbd:\n    fstype: xfs\n    size: 1", 7, "expected text", ""),
    (IMAGE + DRBD + "  drbd:\n    fstype: xfs\n    size: big", 7, "a size with its unit", ""),
    (IMAGE + DRBD + "  drbd: {fstype: xfs, size: 1G, device_id: 256}", 5, "at most 255", ""),
    (IMAGE + DRBD + "  drbd: {fstype: xfs, size: 1G, device_id: '{{ x }}'}", 5, "templates are not evaluated here", ""),
    (IMAGE + DRBD + "  drbd: {fstype: xfs, size: 1G, diskless: [p-hiv0.test]}", 5, "unknown host 'p-hiv0.test'", "p-hive0.test"),
    (
        IMAGE + "volumes:\n- {source: '{{ x }}', target: /a, drbd: {size: 1G, fstype: xfs}}",
        2,
        "templates are not evaluated in the source",
        "",
    ),
    (IMAGE + "volumes:\n- {source: a/b, target: /a, driver: local}", 2, "a volume name", ""),
    (IMAGE + "networks: [nowhere]", 1, "unknown network 'nowhere'", "hive_default_network"),
    (IMAGE + "networks:\n- {nam: x, name: hive_default_network}", 2, "unknown key 'nam'", "'name'"),
    (IMAGE + "backup_scripts:\n- {name: a}", 2, "directory or backup_command is missing", ""),
    (IMAGE + "backup_scripts:\n- {directory: a}", 2, "name is missing", ""),
    (IMAGE + "backup_scripts:\n- {name: a/b, directory: a}", 2, "a file name", ""),
    (IMAGE + "backup_scripts:\n- {name: a, directory: a, backup_command: b}", 2, "directory and backup_command exclude", ""),
    (IMAGE + "backup_scripts:\n- {name: a, backup_command: b}", 2, "restore_command is missing", ""),
    (IMAGE + "backup_scripts:\n- {name: a, batch_scripts: [x], backup_file: b}", 2, "backup_file needs backup_command", ""),
    (IMAGE + "backup_scripts:\n- {name: a, directory: b, cleanup_days_before: -1}", 2, "at least 0", ""),
]


@pytest.mark.parametrize(("text", "line", "message", "hint"), WRONG)
def test_refuses(tmp_path, text, line, message, hint):
    found = only(tmp_path, service(text))
    assert message in found.message
    assert hint in found.hint
    assert (found.file, found.line) == (tmp_path / "inventory/services.yml", FIRST + line)
