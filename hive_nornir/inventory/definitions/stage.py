"""What a stage of the hive definition may say (spec inventory.md 2)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, Tag, model_validator

from hive_nornir.inventory.definitions.types import (
    Definition,
    Ipv4Address,
    Ipv4Network,
    Ipv6Network,
    PositiveInt,
    TemplateOr,
    Text,
    WrongError,
    by_shape,
)

__all__ = ["AzureImage", "KickstartConfig", "KickstartNetwork", "SharedRepository", "StageDefinition", "SubnetDefinition"]

_Port = Annotated[Any, TemplateOr(Annotated[int, Field(ge=1, le=65535)])]
_Size = Annotated[Any, TemplateOr(PositiveInt)]
_Zone = Annotated[Text, Tag("<text>")] | Annotated[PositiveInt, Tag("<number>")]
_Flag = Annotated[Any, TemplateOr(bool)]


class SubnetDefinition(Definition):
    """A subnet of the stage's network; host i stands in subnet i modulo their number."""

    cidr: Ipv4Network = Field(description="its network; four addresses of it are left to the infrastructure")
    name: Text | None = Field(None, description="default: <stage prefix>subnet<index>; aws needs it")
    available_zone: Annotated[_Zone, by_shape("a zone's name or number")] = Field(
        "", description="zone of the servers in it; aws needs it, gcp and azure take the region's zones in turn without it"
    )


class KickstartNetwork(Definition):
    """A network interface of the servers that are installed from the medium."""

    interface: Text = Field(description="interface, or bond name")
    ips: list[Ipv4Address] | None = Field(None, description="one per server, in order; without it no IPv4 here")
    netmask: Text | None = Field(None, description="mask of these addresses, needed with ips")
    gateway: Text | None = Field(None, description="the default router, if it is behind this interface")
    nameservers: list[Text] | None = Field(None, description="addresses of the name servers")
    vlanid: Annotated[Any, TemplateOr(Annotated[int, Field(ge=1, le=4095)])] = Field(None, description="VLAN that the interface is in")
    bonding_interfaces: list[Text] | None = Field(None, description="makes a bond of these (802.3ad)")

    @model_validator(mode="after")
    def _netmask_with_ips(self) -> KickstartNetwork:
        if self.ips is not None and self.netmask is None:
            raise WrongError("netmask is missing", "it is needed with ips, for example netmask: 255.255.255.0")
        return self


class KickstartConfig(Definition):
    """How the install medium is made."""

    iso_src: Text | None = Field(None, description="OS install medium, path or device")
    iso_dest: Text | None = Field(None, description="where the new medium is written")
    target: Text | None = Field(None, description="install disk, default sda")
    networks: list[KickstartNetwork] = Field(description="the network interfaces of the servers")


class SharedRepository(Definition):
    """A repository server on the mother that several hives share (spec inventory.md 2.5)."""

    context_dir: Text = Field(description="directory on the mother; hives that name the same one share the repository")
    ssh_port: _Port = Field(None, description="published sshd port, default 2222")
    dns_address: Text | None = Field(None, description="upstream resolver, default the mother's first nameserver")
    registry_port: _Port = Field(None, description="published port of the registry, default 5000")
    syslog_port: _Port = Field(None, description="published port for logs, default hive_syslog_port")
    zabbix_server_port: _Port = Field(None, description="published port of Zabbix' server, default 10052")
    zabbix_web_port: _Port = Field(None, description="published port of Zabbix' console, default 10051")
    zabbix_agent_port: _Port = Field(None, description="published port of Zabbix' agent, default 10050")


class AzureImage(Definition):
    """An image of the Azure marketplace."""

    offer: Text = Field(description="what the publisher calls the product")
    publisher: Text = Field(description="who published it")
    sku: Text = Field(description="the edition")
    version: Text = Field(description="the release, or latest")


class StageDefinition(Definition):
    """One stage: its infrastructure and the servers in it (spec inventory.md 2.1)."""

    model_config = ConfigDict(json_schema_extra={"required": ["provider", "cidr"]})
    # Not required by pydantic, so that the rules between attributes are still checked where one of these is wrong.
    required: ClassVar[tuple[str, ...]] = ("provider", "cidr")
    hints: ClassVar[dict[str, str]] = {"nameservers": "name servers are set per network inside kickstart_config"}

    provider: Text = Field("", description="the infrastructure that the servers are made on")
    cidr: Ipv4Network = Field("", description="network of the stage, such as 192.168.56.0/24")
    separate_repository: bool = Field(True, description="the last host is the repository and no swarm host")
    number_of_hosts: PositiveInt | None = Field(None, description="with the repository; default 4, or 3 when it is not separate")
    custom_hostname: Text = Field("hive", description="host names are <prefix><this><number>")
    subnets: Annotated[list[SubnetDefinition], Field(min_length=1)] | None = Field(
        None, description="parts of the network, the servers in them in turn; aws needs them, not together with ip_address_list"
    )
    ip_address_list: Annotated[list[Ipv4Address], Field(min_length=1)] | None = Field(
        None, description="addresses of the hosts, in order; their number is that of the hosts"
    )
    region: Text | None = Field(None, description="region of the cloud; aws, azure and gcp need it")
    az_suffix_list: Annotated[list[Text], Field(min_length=1)] | None = Field(
        None, description="what is put behind the region to make zones, default -a, -b, -c; gcp"
    )
    instance_type: Text | None = Field(None, description="size of the hives' machines as the cloud calls it; aws, azure and gcp need it")
    repository_instance_type: Text | None = Field(None, description="the same of the repository; aws, azure and gcp need it")
    image_name: Annotated[
        Annotated[Text, Tag("<text>")] | Annotated[AzureImage, Tag("<map>")], by_shape("the image's name, or with azure a map")
    ] = Field("", description="image of the servers; with azure a map: offer, publisher, sku, version")
    disk_size: _Size = Field(None, description="system disk of a hive in GB, default the provider's; not with prepared")
    repository_disk_size: _Size = Field(None, description="system disk of the repository in GB")
    mirrored_disk_size: _Size = Field(None, description="disk of a hive for replicated volumes in GB; without it none is made")
    disk_encrypted: _Flag = Field(False, description="encrypt the hives' system disks; aws, needs kms_key_id")
    mirrored_disk_encrypted: _Flag = Field(False, description="encrypt the disks for replicated volumes; aws, needs kms_key_id")
    repository_disk_encrypted: _Flag = Field(False, description="encrypt the repository's system disk; aws, needs kms_key_id")
    kms_key_id: Text | None = Field(None, description="ARN of the key that disks are encrypted with; aws")
    memory_size: _Size = Field(
        None, description="memory of a hive in MB, default the provider's; not in clouds; with kickstart it sizes the swap space"
    )
    repository_memory_size: _Size = Field(None, description="memory of the repository in MB; vagrant and sandbox")
    cpus: _Size = Field(None, description="processors of a hive, default the provider's; vagrant")
    repository_cpus: _Size = Field(None, description="processors of the repository; vagrant")
    bridge: Text | None = Field(None, description="interface of this machine that the servers are bridged to; vagrant")
    dev: Text | None = Field(None, description="existing bridge that the servers are put on; wins over bridge; vagrant with libvirt")
    root_password: Text | None = Field(
        None, description="root's password, with which the administrator's account is made on servers that lack it; prepared"
    )
    internal_cidr: Ipv4Network | None = Field(
        None, description="range that Docker's own networks are cut from, /26 or larger, apart from cidr; without it Docker chooses"
    )
    internal_cidr_v6: Ipv6Network | None = Field(None, description="the same for IPv6, /125 or larger; used for docker_gwbridge")
    kernel_version: Text | None = Field(None, description="kernel release that the servers are to run, default the running one; EL family")
    drbd_download_url: Text | None = Field(None, description="archive that DRBD is installed from, default by distribution and kernel")
    prepared_resource_group: _Flag = Field(False, description="the resource group is there already and is not made; azure")
    not_support_az: _Flag = Field(False, description="the region has no availability zones; azure")
    filestore_cidr: Ipv4Network | None = Field(
        None, description="network of the file service, apart from cidr and internal_cidr, default the cloud's choice; gcp"
    )
    kickstart_config: KickstartConfig | None = Field(None, description="how the install medium is made; kickstart")
    shared_repository: SharedRepository | None = Field(
        None, description="use a repository that several hives share instead of a server of its own; needs separate_repository: true"
    )

    @property
    def host_count(self) -> int:
        """How many servers the stage has, the repository with them."""
        if self.ip_address_list is not None:
            return len(self.ip_address_list)
        return self.number_of_hosts or (4 if self.separate_repository else 3)
