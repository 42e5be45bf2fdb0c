"""The variables of the role zabbix."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from hive_nornir.tasks.role import Variables
from hive_nornir.tasks.servers.hostsfile import SharedRepository

__all__ = ["ExternalRegistry", "ZabbixVariables"]


class ExternalRegistry(BaseModel):
    """A registry that images come from, and who may pull there; Docker Hub without `repository`. `email` is hive-builder's and not used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repository: str = ""
    login_user: str
    password: str
    email: str | None = None


class ZabbixVariables(Variables):
    """What zabbix reads."""

    hive_zabbix_server_tag: str = Field("", description="Tag of the image zabbix/zabbix-server-mysql; the pinned one without it.")
    hive_zabbix_web_tag: str = Field("", description="Tag of the image zabbix/zabbix-web-nginx-mysql; the pinned one without it.")
    hive_zabbix_template: str = Field("Linux by Zabbix agent", description="Template of Zabbix that every server has.")
    hive_zabbix_hive_names: list[str] | None = Field(
        None, description="Hives whose services are watched; the site's own without it. A shared repository needs it."
    )
    hive_timezone: str = Field("Etc/GMT", description="The time zone of the console.")
    hive_ext_repositories: list[ExternalRegistry] = Field([], description="Registries to log in to before images are pulled.")
    hive_internal_cidr: str | None = Field(None, description="Range from which Docker's networks are cut.")
    hive_safe_admin: str = Field("admin", description="The administrator's account, in whose home the files are.")
    hive_admin_group: str | None = Field(None, description="Its group; of the same name without it.")
    hive_home_dir: str = Field(description="Its home.")
    hive_shared_repository: SharedRepository | None = Field(
        None, description="Given when one repository, a container on the mother, serves several hives."
    )

    @field_validator("hive_zabbix_hive_names")
    @classmethod
    def _some(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and not value:
            raise ValueError("one hive at least")
        return value

    @property
    def folder(self) -> str:
        """Where the compose file is."""
        return f"{self.hive_home_dir}/zabbix"

    @property
    def group(self) -> str:
        """The administrator's group."""
        return self.hive_admin_group or self.hive_safe_admin
