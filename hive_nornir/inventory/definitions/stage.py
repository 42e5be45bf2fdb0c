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

    cidr: Ipv4Network
    name: Text | None = Field(None, description="default: <stage prefix>subnet<index>")
    available_zone: Annotated[_Zone, by_shape("a zone's name or number")] = ""


class KickstartNetwork(Definition):
    """A network interface of the servers that are installed from the medium."""

    interface: Text = Field(description="interface, or bond name")
    ips: list[Ipv4Address] | None = Field(None, description="one per server, in order; without it no IPv4 here")
    netmask: Text | None = Field(None, description="needed with ips")
    gateway: Text | None = None
    nameservers: list[Text] | None = None
    vlanid: Annotated[Any, TemplateOr(Annotated[int, Field(ge=1, le=4095)])] = None
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
    networks: list[KickstartNetwork]


class SharedRepository(Definition):
    """A repository server on the mother that several hives share (spec inventory.md 2.5)."""

    context_dir: Text = Field(description="directory on the mother; hives that name the same one share the repository")
    ssh_port: _Port = Field(None, description="published sshd port, default 2222")
    dns_address: Text | None = Field(None, description="upstream resolver, default the mother's first nameserver")
    registry_port: _Port = Field(None, description="default 5000")
    syslog_port: _Port = Field(None, description="default hive_syslog_port")
    zabbix_server_port: _Port = Field(None, description="default 10052")
    zabbix_web_port: _Port = Field(None, description="default 10051")
    zabbix_agent_port: _Port = Field(None, description="default 10050")


class AzureImage(Definition):
    """An image of the Azure marketplace."""

    offer: Text
    publisher: Text
    sku: Text
    version: Text


class StageDefinition(Definition):
    """One stage: its infrastructure and the servers in it (spec inventory.md 2.1)."""

    model_config = ConfigDict(json_schema_extra={"required": ["provider", "cidr"]})
    # Not required by pydantic, so that the rules between attributes are still checked where one of these is wrong.
    required: ClassVar[tuple[str, ...]] = ("provider", "cidr")
    hints: ClassVar[dict[str, str]] = {"nameservers": "name servers are set per network inside kickstart_config"}

    provider: Text = Field("", description="the infrastructure")
    cidr: Ipv4Network = Field("", description="network of the stage, such as 192.168.56.0/24")
    separate_repository: bool = Field(True, description="the last host is the repository and no swarm host")
    number_of_hosts: PositiveInt | None = Field(None, description="with the repository; default 4, or 3 when it is not separate")
    custom_hostname: Text = Field("hive", description="host names are <prefix><this><number>")
    subnets: Annotated[list[SubnetDefinition], Field(min_length=1)] | None = None
    ip_address_list: Annotated[list[Ipv4Address], Field(min_length=1)] | None = Field(None, description="addresses of the hosts, in order")
    region: Text | None = None
    az_suffix_list: Annotated[list[Text], Field(min_length=1)] | None = Field(None, description="default -a, -b, -c")
    instance_type: Text | None = None
    repository_instance_type: Text | None = None
    image_name: Annotated[
        Annotated[Text, Tag("<text>")] | Annotated[AzureImage, Tag("<map>")], by_shape("the image's name, or with azure a map")
    ] = Field("", description="image of the servers; with azure a map: offer, publisher, sku, version")
    disk_size: _Size = Field(None, description="GB")
    repository_disk_size: _Size = Field(None, description="GB")
    mirrored_disk_size: _Size = Field(None, description="GB; without it no DRBD disk is made")
    disk_encrypted: _Flag = False
    mirrored_disk_encrypted: _Flag = False
    repository_disk_encrypted: _Flag = False
    kms_key_id: Text | None = Field(None, description="ARN of the key")
    memory_size: _Size = Field(None, description="MB")
    repository_memory_size: _Size = Field(None, description="MB")
    cpus: _Size = None
    repository_cpus: _Size = None
    bridge: Text | None = None
    dev: Text | None = Field(None, description="existing bridge (libvirt); wins over bridge")
    root_password: Text | None = Field(None, description="bootstraps the admin user as root")
    internal_cidr: Ipv4Network | None = Field(None, description="network for Docker's own networks, /26 or larger")
    internal_cidr_v6: Ipv6Network | None = None
    kernel_version: Text | None = None
    drbd_download_url: Text | None = None
    prepared_resource_group: _Flag = False
    not_support_az: _Flag = False
    filestore_cidr: Ipv4Network | None = None
    kickstart_config: KickstartConfig | None = None
    shared_repository: SharedRepository | None = None

    @property
    def host_count(self) -> int:
        """How many servers the stage has, the repository with them."""
        if self.ip_address_list is not None:
            return len(self.ip_address_list)
        return self.number_of_hosts or (4 if self.separate_repository else 3)
