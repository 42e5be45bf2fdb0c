"""Two whole sites, object by object, as hive-builder 3.9.12 computes them but for the differences that the specification marks."""

import pytest

from hive_nornir.errors import UsageError
from hive_nornir.inventory.allocations import allocate_device_ids, allocate_ports
from hive_nornir.inventory.compute import compute
from hive_nornir.inventory.definitions import load_definitions
from tests.inventory.support import SITES, load


def inventory(definitions, **first_hive):
    ids = {stage: allocate_device_ids(definitions, {}).numbers for stage in definitions.stages}
    ports = {stage: allocate_ports(definitions, {}, stage).numbers for stage in definitions.stages}
    return compute(definitions, first_hive, ids, ports)


@pytest.fixture(scope="module")
def dns():
    return inventory(load_definitions(SITES / "dns"))


@pytest.fixture(scope="module")
def shop():
    return inventory(load_definitions(SITES / "shop"), production=2)


DNS_SERVICES = ["powerdns", "pdnsdb", "image_pdnsdb", "proxy", "configure", "image_configure"]
DNS_VOLUMES = ["volume_pdnsdb_data", "volume_proxy_config", "volume_letsencrypt_data"]


def test_groups_of_the_dns_site(dns):
    assert dns.hive_name == "pdns"
    assert dns.children == {"servers": ["hives", "repository"], "hosts": ["servers", "mother"]}
    stages = {s: [f"{s}hive{n}.pdns" for n in range(4)] for s in ("s-", "")}
    assert dns.groups == {
        "servers": [],
        "hives": ["p-hive0.pdns", *stages["s-"][:3], *stages[""][:3]],
        "repository": ["p-hive0.pdns", "s-hive3.pdns", "hive3.pdns"],
        "first_hive": ["p-hive0.pdns", "s-hive0.pdns", "hive0.pdns"],
        "mother": ["p-mother.pdns", "s-mother.pdns", "mother.pdns"],
        "hosts": [],
        "private": ["p-mother.pdns", "p-hive0.pdns", *DNS_SERVICES, "hive_default_network"],
        "staging": ["s-mother.pdns", *stages["s-"], *DNS_SERVICES, "certbot", *DNS_VOLUMES, "hive_default_network"],
        "production": ["mother.pdns", *stages[""], *DNS_SERVICES, "certbot", *DNS_VOLUMES, "hive_default_network"],
        "services": ["powerdns", "pdnsdb", "proxy", "configure", "certbot"],
        "images": ["image_pdnsdb", "image_configure"],
        "volumes": [],
        "drbd_volumes": DNS_VOLUMES,
        "nfs_volumes": [],
        "networks": ["hive_default_network"],
    }


def test_group_variables_of_the_dns_site(dns):
    registry = {"hive_registry": "{{ hive_registry_fqdn }}:{{ hive_registry_port | default(5000) }}", "hive_custom_hostname": "hive"}
    assert dns.group_variables["all"] == {"hive_name": "pdns"}
    assert dns.group_variables["private"] == {"hive_provider": "vagrant", "hive_registry_fqdn": "p-hive0.pdns", **registry}
    assert dns.group_variables["staging"] == {"hive_provider": "aws", "hive_registry_fqdn": "s-hive3.pdns", **registry}
    assert dns.group_variables["production"] == {"hive_provider": "azure", "hive_registry_fqdn": "hive3.pdns", **registry}
    assert dns.group_variables["mother"] == {"ansible_connection": "local", "hive_home_dir": "{{ hive_context_dir }}"}
    assert set(dns.group_variables) == {"all", "hosts", "mother", "private", "staging", "production"}


def derived(admin: str, tcp=("53", "80", "443"), udp=("53",)):
    return {
        "hive_safe_admin": f"{{{{ hive_admin | default('{admin}') }}}}",
        "hive_safe_shared_repository_ports": [],
        "hive_published_ports_tcp": list(tcp),
        "hive_published_ports_udp": list(udp),
    }


def test_the_only_server_of_the_private_stage_is_hive_and_repository(dns):
    host = dns.objects["p-hive0.pdns"]
    assert (host.kind, set(host.groups), host.stages) == (
        "server",
        {"hives", "repository", "first_hive", "private", "servers", "hosts"},
        ("private",),
    )
    assert host.variables == {
        "hive_memory_size": 4096,
        "hive_subnet": "pdns-default",
        "hive_private_ip": "192.168.56.4",
        "hive_netmask": "255.255.255.224",
        **derived("vagrant"),
    }


AZURE_IMAGE = {"offer": "RHEL", "publisher": "RedHat", "sku": "86-gen2", "version": "latest"}


def test_servers_of_the_dns_site(dns):
    expected = {
        f"s-hive{n}.pdns": {
            **({"hive_disk_size": 20, "hive_mirrored_disk_size": 20} if n < 3 else {}),
            "hive_instance_type": "t3.xlarge" if n < 3 else "t3.large",
            "hive_subnet": f"subnet-{'abca'[n]}",
            "hive_private_ip": f"192.168.0.{(5, 69, 133, 6)[n]}",
            "hive_netmask": "255.255.255.192",
            "hive_available_zone": f"ap-northeast-1{'dbcd'[n]}",
            **derived("ec2-user"),
        }
        for n in range(4)
    } | {
        f"hive{n}.pdns": {
            **({"hive_disk_size": 100, "hive_mirrored_disk_size": 20} if n < 3 else {"hive_disk_size": 150}),
            "hive_instance_type": "Standard_D2s_v3",
            "hive_vm_image_name": AZURE_IMAGE,
            "hive_subnet": "pdns-default",
            "hive_private_ip": f"192.168.0.{4 + n}",
            "hive_netmask": "255.255.255.0",
            "hive_available_zone": (1, 2, 3, 1)[n],
            **derived("hiveadmin"),
        }
        for n in range(4)
    }
    assert {name: dns.objects[name].variables for name in expected} == expected


def test_mothers_of_the_dns_site(dns):
    assert dns.objects["p-mother.pdns"].variables == {
        "hive_cidr": "192.168.56.0/27",
        "hive_subnets": [{"cidr": "192.168.56.0/27", "name": "pdns-default"}],
        **derived("vagrant"),
    }
    assert dns.objects["s-mother.pdns"].variables == {
        "hive_cidr": "192.168.0.0/24",
        "hive_region": "ap-northeast-1",
        "hive_subnets": [
            {"cidr": "192.168.0.0/26", "name": "subnet-a", "available_zone": "ap-northeast-1d"},
            {"cidr": "192.168.0.64/26", "name": "subnet-b", "available_zone": "ap-northeast-1b"},
            {"cidr": "192.168.0.128/26", "name": "subnet-c", "available_zone": "ap-northeast-1c"},
        ],
        **derived("ec2-user"),
    }
    assert set(dns.objects["mother.pdns"].groups) == {"mother", "hosts", "production"}


def test_services_of_the_dns_site(dns):
    assert {name: dns.objects[name].variables for name in dns.groups["services"]} == {
        "powerdns": {
            "hive_image": "procube/powerdns:latest",
            "hive_environment": {"MYSQL_PASSWORD": "{{ db_password }}", "MYSQL_HOST": "pdnsdb", "MYSQL_CHECK_RETRY": "50"},
            "hive_command": ["--api=yes", "--api-key={{db_password}}"],
            "hive_ports": [{"published_port": 53, "target_port": 53, "protocol": p} for p in ("tcp", "udp")],
            "hive_initialize_roles": ["python-aptk", "powerdns-init"],
        },
        "pdnsdb": {
            "hive_image_name": "image_pdnsdb",
            "hive_environment": {"MYSQL_DATABASE": "powerdns"},
            "hive_endpoint_mode": "dnsrr",
            "hive_volumes": [{"source": "pdnsdb_data", "target": "/var/lib/mysql", "type": "volume"}],
        },
        "proxy": {
            "hive_image": "procube/nginx:latest",
            "hive_ports": [{"published_port": p, "target_port": p, "protocol": "tcp"} for p in (80, 443)],
            "hive_volumes": [{"source": "proxy_config", "target": "/etc/nginx/conf.d", "type": "volume"}],
            "hive_placement": {"constraints": ["node.labels.proxy_config == true"]},
        },
        "configure": {
            "hive_image_name": "image_configure",
            "hive_environment": None,
            "hive_volumes": [
                {"source": "proxy_config", "target": "/etc/nginx/conf.d", "type": "volume"},
                {"source": "/var/run/docker.sock", "target": "/var/run/docker.sock"},
            ],
            "hive_labels": {"HIVE_MARK": "proxy_config"},
        },
        "certbot": {
            "hive_image": "certbot/certbot:latest",
            "hive_volumes": [{"source": "letsencrypt_data", "target": "/etc/letsencrypt", "type": "volume"}],
            "hive_backup_scripts": [{"name": "certificates", "directory": "/etc/letsencrypt", "cleanup_days_before": 3}],
        },
    }


def test_images_and_volumes_of_the_dns_site(dns):
    assert dns.objects["image_configure"].variables == {
        "hive_from": "python:3-alpine",
        "hive_roles": ["hive-trust-ca", "proxy-configure"],
        "hive_entrypoint": ["/usr/local/bin/python"],
        "hive_command": ["/usr/sbin/proxy-configure"],
    }
    drbd = {"size": "500M", "fstype": "xfs", "available_on": ["production", "staging"]}
    volume = dns.objects["volume_pdnsdb_data"]
    assert (volume.kind, volume.stages, set(volume.groups)) == (
        "volume",
        ("staging", "production"),
        {"drbd_volumes", "staging", "production"},
    )
    assert volume.variables_in("staging") == {"hive_volume": {"name": "pdnsdb_data", "drbd": {**drbd, "device_id": 1}}}
    ids = {name: dns.objects[name].variables_in("production")["hive_volume"]["drbd"]["device_id"] for name in DNS_VOLUMES}
    assert ids == dict(zip(DNS_VOLUMES, (1, 2, 3), strict=True))


def test_groups_of_the_shop_site(shop):
    name = "shop.example.com"
    servers = {
        "private": [f"p-hive{n}.{name}" for n in range(3)],
        "staging": [f"s-hive{n}.{name}" for n in range(3)],
        "production": [f"node{n}.{name}" for n in range(4)],
    }
    everywhere = ["report"]
    assert shop.groups["hives"] == [*servers["private"][:2], *servers["staging"], *servers["production"][:3]]
    assert shop.groups["repository"] == [servers[stage][-1] for stage in servers]
    assert shop.groups["first_hive"] == [f"p-hive0.{name}", f"s-hive0.{name}", f"node2.{name}"]
    assert shop.groups["private"] == [f"p-mother.{name}", *servers["private"], *everywhere, "volume_report_data", "hive_default_network"]
    assert set(shop.groups["staging"]) == {
        f"s-mother.{name}",
        *servers["staging"],
        *("report", "web", "volume_report_data", "volume_uploads", "volume_cache"),
        *("hive_default_network", "frontend", "backend"),
    }
    assert set(shop.groups["production"]) - set(shop.groups["staging"]) == {
        f"mother.{name}",
        *servers["production"],
        *("machine", "image_machine", "volume_machine_data"),
    }
    assert (shop.groups["volumes"], shop.groups["nfs_volumes"]) == (["volume_cache"], ["volume_uploads"])
    assert shop.groups["drbd_volumes"] == ["volume_report_data", "volume_machine_data"]


def shop_server(number: int, **more):
    return {
        "hive_instance_type": "t3.large",
        "hive_vm_image_name": "ami-0123",
        "hive_subnet": ("east", "west")[number % 2],
        "hive_private_ip": f"10.1.0.{(5, 69, 6, 70)[number]}",
        "hive_netmask": "255.255.255.192",
        "hive_available_zone": f"eu-west-1{'ab'[number % 2]}",
        **derived("ec2-user", ["80"], []),
        **more,
    }


def test_servers_of_the_shop_site(shop):
    key = {"hive_internal_cidr": "172.31.252.0/22", "hive_kms_key_id": "arn:aws:kms:eu-west-1:1:key/1"}
    hive = {"hive_disk_size": 50, "hive_disk_encrypted": True, "hive_mirrored_disk_size": 100, "hive_mirrored_disk_encrypted": True}
    closed = derived("ec2-user", [], [])
    expected = {
        **{f"p-hive{n}": shop_server(n, **closed) for n in range(2)},
        "p-hive2": shop_server(2, **closed, hive_instance_type="t3.small"),
        **{f"s-hive{n}": shop_server(n, hive_disk_size=40) for n in range(2)},
        "s-hive2": shop_server(2, hive_disk_size=80, hive_instance_type="t3.small"),  # hive and repository: the repository's values win
        **{f"node{n}": shop_server(n, **key, **hive) for n in range(3)},
        "node3": shop_server(3, **key, hive_disk_encrypted=False, hive_instance_type="t3.small"),
    }
    assert {name: shop.objects[f"{name}.shop.example.com"].variables for name in expected} == expected
    assert shop.group_variables["production"]["hive_custom_hostname"] == "node"


def test_services_of_the_shop_site(shop):
    web = shop.objects["web"]
    assigned = [
        {"target_port": 8081, "protocol": "tcp", "published_port": 61002},
        {"target_port": 8082, "protocol": "tcp", "published_port": 61003},
        {"target_port": 8081, "protocol": "udp", "published_port": 61004},
        {"target_port": 8080, "protocol": "tcp", "published_port": 80},
    ]
    assert web.variables_in("staging") == {
        "hive_image": "nginx:1.27",
        "hive_ports": assigned,
        "hive_networks": ["frontend", {"name": "backend", "aliases": ["www"]}],
        "hive_volumes": [{"source": s, "target": t, "type": "volume"} for s, t in (("uploads", "/srv"), ("cache", "/cache"))],
    }
    assert shop.objects["report"].variables["hive_image"] == "{{ hive_registry }}/image_machine"
    assert shop.objects["volume_uploads"].variables == {"hive_volume": {"name": "uploads", "nfs": {}}}
    assert shop.objects["volume_cache"].variables == {
        "hive_volume": {"name": "cache", "driver": "local", "driver_options": {"type": "tmpfs"}}
    }
    assert shop.objects["frontend"].variables == {"hive_driver_opts": {"encrypted": "true"}}
    assert shop.objects["backend"].variables == {}


def test_a_standalone_service(shop):
    assert shop.objects["machine"].variables == {
        "hive_image_name": "image_machine",
        "hive_standalone": True,
        "hive_cap_add": ["NET_ADMIN", "IPC_LOCK", "SYS_ADMIN", "SYSLOG", "SYS_PTRACE", "AUDIT_CONTROL"],
        "hive_command": ["sh", "-c", "mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec /sbin/init"],
        "hive_volumes": [
            *({"source": "", "target": target, "type": "tmpfs"} for target in ("/run", "/tmp", "/sys/fs/cgroup")),
            {"source": "machine_data", "target": "/data", "type": "volume"},
        ],
    }
    image = {"hive_from": "almalinux/9-init", "hive_roles": ["hive-syslog"], "hive_standalone": True, "hive_privileged": True}
    assert shop.objects["image_machine"].variables == image


def test_a_standalone_service_keeps_its_command_and_leaves_shared_lists_alone(tmp_path):
    text = "  a: {image: x, standalone: true, command: [run], cap_add: &caps [X]}\n  b: {image: x, cap_add: *caps}\n"
    found = inventory(load(tmp_path, text))
    assert found.objects["a"].variables["hive_command"] == ["run"]
    assert found.objects["b"].variables["hive_cap_add"] == ["X"]


def test_variables_of_objects_behind_one_anchor_are_independent(tmp_path):
    found = inventory(load(tmp_path, "  a: &a {image: x, environment: {A: b}}\n  b: *a\n"))
    found.objects["a"].variables["hive_environment"]["A"] = "changed"
    assert found.objects["b"].variables["hive_environment"] == {"A": "b"}


HIVE = "plugin: hive_inventory\nname: test\nstages:\n  {stage}:\n    provider: {provider}\n    cidr: 10.0.0.0/24\n{more}"


def test_a_shared_repository(tmp_path):
    more = "    shared_repository: {context_dir: /var/lib/hive}\n"
    found = inventory(load(tmp_path, hive=HIVE.format(stage="staging", provider="prepared", more=more)))
    assert found.group_variables["staging"]["hive_registry_fqdn"] == "shared-repository"
    for name in ("s-mother.test", "s-hive0.test", "s-hive3.test"):
        variables = found.objects[name].variables
        assert variables["hive_shared_repository"] == {"context_dir": "/var/lib/hive"}
        assert variables["hive_shared_repository_path"] == "/var/lib/hive"
        assert variables["hive_safe_shared_repository_ports"] == [2376, 2377, 10050]


def test_attributes_of_the_mother_and_of_every_server(tmp_path):
    more = "    bridge: br0\n    dev: d\n    cpus: 2\n    repository_cpus: 1\n    root_password: '{{ p }}'\n    kernel_version: 5\n"
    hive = HIVE.format(stage="private", provider="vagrant", more=more.replace(" 5\n", " '5'\n"))
    found = inventory(load(tmp_path, hive=hive + "    ip_address_list: [10.9.9.9, 10.0.0.8]\n    internal_cidr_v6: fd00::/64\n"))
    mother, hive0, repository = (found.objects[f"p-{name}.test"].variables for name in ("mother", "hive0", "hive1"))
    assert (mother["hive_bridge"], mother["hive_dev"]) == ("br0", "d")
    assert [host["hive_cpus"] for host in (hive0, repository)] == [2, 1]
    assert [host["hive_private_ip"] for host in (hive0, repository)] == ["10.9.9.9", "10.0.0.8"]
    for host in (hive0, repository):
        assert (host["hive_root_password"], host["hive_kernel_version"], host["hive_internal_cidr_v6"]) == ("{{ p }}", "5", "fd00::/64")
        assert "hive_available_zone" not in host


def test_subnets_without_names_get_them_on_hosts_and_mother_alike(tmp_path):
    more = (
        "    region: r\n    instance_type: t\n    repository_instance_type: t\n    subnets: [{cidr: 10.0.0.0/26}, {cidr: 10.0.0.64/26}]\n"
    )
    found = inventory(load(tmp_path, hive=HIVE.format(stage="staging", provider="gcp", more=more)))
    assert [subnet["name"] for subnet in found.objects["s-mother.test"].variables["hive_subnets"]] == ["s-subnet0", "s-subnet1"]
    zones = [(v["hive_subnet"], v["hive_available_zone"]) for v in (found.objects[f"s-hive{n}.test"].variables for n in range(4))]
    assert zones == [("s-subnet0", "r-a"), ("s-subnet1", "r-b"), ("s-subnet0", "r-c"), ("s-subnet1", "r-a")]


def test_only_the_ports_of_the_stage_are_published(tmp_path):
    text = "  a: {image: x, ports: ['80:80'], available_on: [staging]}\n  b: {image: x, ports: ['81:81', '10000:1', 82]}\n"
    assert inventory(load(tmp_path, text)).objects["p-hive0.test"].variables["hive_published_ports_tcp"] == ["81"]


@pytest.mark.parametrize("number", [-1, 3, 9])
def test_the_first_hive_is_one_of_the_hives(tmp_path, number):
    with pytest.raises(UsageError, match=f"first_hive is {number}, but stage private has the hives 0 to 2"):
        inventory(load(tmp_path), private=number)


def test_a_number_that_is_not_assigned_yet_is_left_out(tmp_path):
    text = "  a: {image: x, ports: [80], volumes: [{source: v, target: /v, drbd: {size: 1G, fstype: xfs}}]}\n"
    found = compute(load(tmp_path, text), {}, {}, {})
    assert found.objects["a"].variables_in("private")["hive_ports"] == [{"target_port": 80, "protocol": "tcp"}]
    assert "device_id" not in found.objects["volume_v"].variables_in("private")["hive_volume"]["drbd"]


def test_numbers_differ_from_stage_to_stage(tmp_path):
    text = "  a: {image: x, ports: [80], volumes: [{source: v, target: /v, drbd: {size: 1G, fstype: xfs}}]}\n"
    numbers = {"private": 7, "staging": 9}
    ports = {stage: {"a:80/tcp": 61000 + number} for stage, number in numbers.items()}
    found = compute(load(tmp_path, text), {}, {stage: {"v": number} for stage, number in numbers.items()}, ports)
    for stage, number in numbers.items():
        assert found.objects["a"].variables_in(stage)["hive_ports"][0]["published_port"] == 61000 + number
        assert found.objects["volume_v"].variables_in(stage)["hive_volume"]["drbd"]["device_id"] == number


def test_two_hundred_hosts_are_computed_at_once(tmp_path):
    found = inventory(load(tmp_path, hive=HIVE.format(stage="private", provider="vagrant", more="    number_of_hosts: 200\n")))
    assert len(found.groups["hives"]) == 199
    assert len({host.variables["hive_private_ip"] for host in found.objects.values() if host.kind == "server"}) == 200
