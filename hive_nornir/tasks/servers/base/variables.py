"""The variables that the role base reads."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from hive_nornir.tasks.role import Variables

__all__ = ["BaseVariables", "RestartVariables"]


class RestartVariables(Variables):
    """What decides on whether a server has to restart."""

    hive_kernel_version: str = Field(
        "", description="Kernel release of the container hosts, as `uname -r` shows it; the running one if unset."
    )
    hive_selinux: Literal["enforcing", "permissive", "disabled"] | None = Field(
        None, description="Mode of SELinux (EL family); permissive if unset."
    )


class BaseVariables(RestartVariables):
    """What base reads; a step whose variable is not set is skipped (spec setup-hosts.md 4.3)."""

    hive_private_ip: str = Field(description="The server's address inside the site; behind a proxy, where it finds the forwarded port.")
    hive_provider: str = Field("", description="The infrastructure that the server comes from.")
    hive_yum_url: str = Field("", description="Mirror of CentOS or AlmaLinux, up to and with `/centos` or `/almalinux` (EL family).")
    hive_apt_url: str = Field(
        "",
        description="Mirror of Debian or Ubuntu, up to and with `/debian` or `/ubuntu`; Debian's security archive is taken from "
        "`/debian-security` beside it.",
    )
    hive_disk_size: float | None = Field(None, description="Size of the system disk in GB; on Azure with RHEL, /var grows to fill it.")
    hive_http_proxy: str = Field("", description="Proxy as the mother sees it, `host:port`; servers reach it through a forwarded port.")
    hive_http_proxy_port: int = Field(3128, description="Port on the servers that is forwarded to the proxy.")
    hive_vagrant_proxy: str = Field("", description="Proxy that Vagrant sets up in its machines.")
    hive_pip_index_url: str = Field("", description="Index that pip uses instead of its own default.")
    hive_pip_trusted_host: str = Field("", description="Host that pip uses without checking its certificate.")
    hive_timezone: str = Field("", description="Time zone, for example Asia/Tokyo.")
    hive_locale: str = Field("", description="Default locale, for example ja_JP.UTF-8.")
    hive_unattended_upgrades: bool = Field(
        False, description="Leave on what upgrades packages by itself; off, so that kernel, DRBD and Docker change in a run only."
    )
    hive_allow_end_of_life: bool = Field(False, description="Go on although the distribution gets no security updates any more.")
    hive_shared_repository: object = Field(None, description="Given when one repository, a container on the mother, serves several hives.")

    @field_validator("hive_yum_url", "hive_apt_url")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @property
    def proxy_url(self) -> str:
        """Where the server finds the proxy; "" without one."""
        return f"http://{self.hive_private_ip}:{self.hive_http_proxy_port}" if self.hive_http_proxy else ""
