import pytest

from tests.inventory.support import load, only, problems


def hive(stage: str, name: str = "test", kind: str = "private") -> str:
    return f"plugin: hive_inventory\nname: {name}\nstages:\n  {kind}:\n" + "".join(f"    {line}\n" for line in stage.splitlines())


VAGRANT = "provider: vagrant\ncidr: 192.168.56.0/24\n"
AWS = "provider: aws\ncidr: 10.0.0.0/24\nregion: r\ninstance_type: t\nrepository_instance_type: t\n"
SUBNETS = "subnets: [{cidr: 10.0.0.0/26, name: a, available_zone: ra}]\n"
AZURE = AWS.replace("aws", "azure")
GCP = AWS.replace("aws", "gcp")
KICKSTART = "provider: kickstart\ncidr: 10.0.0.0/24\n"
PREPARED = "provider: prepared\ncidr: 10.0.0.0/24\n"
FIRST = 5
"""Line of the stage's first attribute in the file that `hive` makes."""

VALID = [
    VAGRANT
    + "memory_size: 1024\nrepository_memory_size: 512\ncpus: 2\nbridge: br0\ndev: br1\ndisk_size: 20\nip_address_list: [1.2.3.4, 1.2.3.5]",
    VAGRANT.replace("vagrant", "sandbox")
    + "memory_size: 1024\ncpus: 2\ndisk_size: 9\nimage_name: debian-12\nip_address_list: [192.168.56.9, 192.168.56.8]",
    VAGRANT.replace("vagrant", "openstack") + "region: x\ninstance_type: m1",
    PREPARED + "memory_size: 1\nroot_password: \"{{ lookup('env', 'X') }}\"\nip_address_list: [10.0.0.1, 10.0.0.2]",
    AWS + SUBNETS + "image_name: ami-1\ndisk_encrypted: true\nkms_key_id: arn",
    AZURE + "image_name: {offer: a, publisher: b, sku: c, version: d}\nprepared_resource_group: true\nnot_support_az: true",
    GCP + "az_suffix_list: [-x]\nfilestore_cidr: 10.9.0.0/24\ndisk_size: '{{ size }}'",
    GCP + SUBNETS + "filestore_cidr: 10.0.0.128/26",
    PREPARED + "shared_repository: {context_dir: /var/lib/hive, ssh_port: 2222}\nnumber_of_hosts: 4",
    AZURE.replace("repository_instance_type: t\n", "") + "separate_repository: false\nnumber_of_hosts: 1",
    KICKSTART + "memory_size: 1\nkickstart_config:\n  networks: [{interface: eth0, ips: [10.0.0.4], netmask: 255.255.255.0}]",
]


@pytest.mark.parametrize("stage", VALID)
def test_accepts(tmp_path, stage):
    assert "private" in load(tmp_path, hive=hive(stage)).stages


WRONG = [
    ("provider: vagrannt\ncidr: 10.0.0.0/24", 0, "unknown provider 'vagrannt'", "'vagrant'"),
    ("provider: vagrant", -1, "cidr is missing", ""),
    ("cidr: 10.0.0.0/24", -1, "provider is missing", ""),
    (VAGRANT + "memory_sise: 5", 2, "unknown key 'memory_sise'", "'memory_size'"),
    (VAGRANT + "nameservers: [1.1.1.1]", 2, "unknown key 'nameservers'", "set per network inside kickstart_config"),
    (VAGRANT + "memory_size: '5'", 2, "expected a whole number, found '5'", ""),
    (VAGRANT + "memory_size:", 2, "expected a whole number, found nothing", ""),
    (VAGRANT + "root_password:", 2, "has no value", "give one"),
    (VAGRANT + "number_of_hosts: '{{ n }}'", 2, "templates are not evaluated here", ""),
    (VAGRANT + "number_of_hosts: 0", 2, "expected at least 1", ""),
    (VAGRANT + "number_of_hosts: 1", 2, "cannot be hive and separate repository", "separate_repository: false"),
    ("provider: vagrant\ncidr: 10.0.0.1/24", 1, "address inside a network", "10.0.0.0/24"),
    ("provider: vagrant\ncidr: fd00::/64", 1, "expected an IPv4 network", ""),
    ("provider: vagrant\ncidr: 10.0.0/24", 1, "expected an IPv4 network", ""),
    ("provider: vagrant\ncidr: 10.0.0.0/29", 1, "4 hosts need 4 addresses in 10.0.0.0/29, it has 3", ""),
    (VAGRANT + "region: x", 2, "not possible with provider vagrant", "remove"),
    (VAGRANT + "instance_type: x", 2, "not possible with provider vagrant", "remove"),
    (VAGRANT.replace("vagrant", "sandbox") + "region: x", 2, "not possible with provider sandbox", "remove"),
    (VAGRANT + "kickstart_config: {networks: []}", 2, "only possible with provider kickstart", ""),
    (VAGRANT + "prepared_resource_group: true", 2, "only possible with provider azure", ""),
    (VAGRANT + "not_support_az: true", 2, "only possible with provider azure", ""),
    (PREPARED + "repository_memory_size: 5", 2, "only possible with provider vagrant", ""),
    (PREPARED + "bridge: x", 2, "only possible with provider vagrant", ""),
    (PREPARED + "dev: x", 2, "only possible with provider vagrant", ""),
    (AZURE + "memory_size: 5", 5, "only possible with", ""),
    (VAGRANT.replace("vagrant", "openstack") + "memory_size: 5", 2, "only possible with", ""),
    (GCP.replace("region: r\n", ""), -1, "region is missing", "gcp needs it"),
    (GCP.replace("\ninstance_type: t", ""), -1, "instance_type is missing", "gcp needs it"),
    (GCP.replace("repository_instance_type: t\n", ""), -1, "repository_instance_type is missing", ""),
    (AWS, -1, "subnets is missing", "aws needs"),
    (AWS + "subnets:\n- {cidr: 10.0.0.0/26, name: a}", 6, "available_zone is missing", "aws"),
    (AWS + "subnets:\n- {cidr: 10.0.0.0/26, available_zone: a}", 6, "name is missing", "aws"),
    (GCP + "subnets:\n- name: a", 6, "cidr is missing", ""),
    (GCP + "subnets:\n- cidr: 10.0.0.0/26\n- cidr: 10.0.0.32/27", 7, "overlaps the subnet 10.0.0.0/26", ""),
    (GCP + "subnets:\n- cidr: 10.0.0.0/29", 5, "4 hosts need 4 addresses", ""),
    (GCP + "subnets:\n- cidr: 10.0.0.0/26\nip_address_list: [10.0.0.9, 10.0.0.10]", 7, "not possible together with subnets", ""),
    (VAGRANT + "ip_address_list:\n- 1.2.3.4\n- 1.2.3.4", 4, "listed twice", ""),
    (VAGRANT + "ip_address_list:\n- 1.2.3.4\n- 1.2.3.x", 4, "expected an IPv4 address", ""),
    (AWS + "image_name: {offer: a, publisher: b, sku: c, version: d}\n" + SUBNETS, 5, "expected the image's name", ""),
    (AZURE + "image_name: x", 5, "expected a map with offer", ""),
    (AZURE + "az_suffix_list: [-a, 2]", 5, "expected text, found", ""),
    (AWS + SUBNETS + "disk_encrypted: true", 6, "needs kms_key_id", ""),
    (AWS + SUBNETS + "mirrored_disk_encrypted: true", 6, "needs kms_key_id", ""),
    (AWS + SUBNETS + "repository_disk_encrypted: true", 6, "needs kms_key_id", ""),
    (VAGRANT + "custom_hostname: H1", 2, "is no host name", "lower-case"),
    (VAGRANT + "custom_hostname: a", 2, "is no host name", "two or more"),
    (VAGRANT + "custom_hostname: a" + "b" * 50, 2, "more than 54 characters", "shorten"),
    (VAGRANT + "internal_cidr: 172.31.0.0/27", 2, "is too small", "/26"),
    (VAGRANT + "internal_cidr: 192.168.0.0/16", 2, "overlaps cidr 192.168.56.0/24", ""),
    (GCP + SUBNETS.replace("10.0.0.0", "10.5.0.0") + "internal_cidr: 10.5.0.0/22", 6, "overlaps subnets 10.5.0.0/26", ""),
    (GCP + "internal_cidr: 10.4.0.0/22\nfilestore_cidr: 10.4.0.0/24", 5, "overlaps filestore_cidr", ""),
    (GCP + "filestore_cidr: 10.0.0.0/26", 5, "overlaps cidr", ""),
    (VAGRANT + "internal_cidr_v6: fd00::/127", 2, "too small", ""),
    (PREPARED + "separate_repository: false\nshared_repository: {context_dir: /x}", 3, "needs separate_repository: true", ""),
    (PREPARED + "shared_repository: {ssh_port: 22}", 2, "context_dir is missing", ""),
    (PREPARED + "shared_repository: {context_dir: /x, ssh_prt: 22}", 2, "unknown key 'ssh_prt'", "'ssh_port'"),
    ("provider: kickstart\ncidr: 10.0.0.0/24\nkickstart_config:\n  networks:\n  - interface: e\n    vlanid: 4096", 5, "at most 4095", ""),
    (
        "provider: kickstart\ncidr: 10.0.0.0/24\nkickstart_config:\n  networks:\n  - interface: e\n    ips: [1.2.3.4]",
        4,
        "netmask is missing",
        "",
    ),
]


@pytest.mark.parametrize(("stage", "line", "message", "hint"), WRONG)
def test_refuses(tmp_path, stage, line, message, hint):
    found = only(tmp_path, hive=hive(stage))
    assert message in found.message
    assert hint in found.hint
    assert (found.file, found.line) == (tmp_path / "inventory/hive.yml", FIRST + line)


def test_what_is_wrong_with_one_attribute_does_not_hide_what_is_wrong_with_others(tmp_path):
    stage = "provider: azure\ncidr: 10.0.0.1/24\nregion: 5\nmemory_size: 1\ndisk_encrypted: true\nunknown: 1"
    messages = [p.message for p in problems(tmp_path, hive=hive(stage))]
    assert len(messages) == 7
    for words in ("inside a network", "region: expected text", "memory_size: is only", "disk_encrypted: needs", "unknown key"):
        assert sum(words in message for message in messages) == 1, words


def test_gcp_instance_names_have_63_characters_at_most(tmp_path):
    name = "a" * 25 + "." + "b" * 24
    assert load(tmp_path, hive=hive(GCP, name)).hive_name == name
    found = only(tmp_path, hive=hive(GCP + "custom_hostname: 0hive", "x", "production"))
    assert "no legal instance name for gcp" in found.message


def test_third_party_providers_are_known_by_parameter_and_choose_their_attributes(tmp_path):
    from hive_nornir.inventory.definitions import load_definitions
    from tests.inventory.support import write_site

    stage = "provider: acme\ncidr: 10.0.0.0/24\nmemory_size: 1\nregion: x"
    root = write_site(tmp_path, hive=hive(stage))
    assert load_definitions(root, providers=["acme"]).stages["private"].definition.provider == "acme"
    assert "unknown provider 'acme'" in only(tmp_path, hive=hive(stage)).message
