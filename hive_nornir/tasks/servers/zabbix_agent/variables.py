"""The variables of the role zabbix-agent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from hive_nornir.tasks.role import Variables
from hive_nornir.tasks.servers.hostsfile import SharedRepository

__all__ = ["Source", "ZabbixAgentVariables"]

Source = Literal["auto", "vendor", "distribution"]


class ZabbixAgentVariables(Variables):
    """What zabbix-agent reads."""

    hive_zabbix_version: Annotated[str, BeforeValidator(str)] = Field(
        "7.0",
        pattern=r"^\d+\.\d+$",
        description="Version line of the agents; 7.0 has long support. The server's is that of hive_zabbix_server_tag and _web_tag.",
    )
    hive_zabbix_source: Source = Field(
        "auto",
        description="vendor: the makers' repository; distribution: the distribution's own package, in its own version; auto: vendor.",
    )
    hive_zabbix_hive_names: list[str] | None = Field(
        None, description="Hives whose services the repository's agent watches; the site's own without it. A shared repository needs it."
    )
    hive_internal_cidr: str | None = Field(
        None, description="Range from which Docker's networks are cut, among them Zabbix' own; that is 172.21.0.0/16 without it."
    )
    hive_internal_net_addr: str | None = Field(None, description="Address of the servers' own network, where they have one.")
    hive_internal_net_cidr: int | None = Field(None, description="The length of its prefix.")
    hive_shared_repository: SharedRepository | None = Field(
        None, description="Given when one repository, a container on the mother, serves several hives."
    )
