"""The volumes of a service (spec inventory.md 5.2)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from hive_nornir.inventory.definitions.types import Definition, StageName, TemplateOr, Text, WrongError, is_template, matching, require

__all__ = ["DrbdDefinition", "NfsDefinition", "VolumeDefinition"]

_Size = Annotated[Any, TemplateOr(Annotated[str, matching(r"[1-9]\d*[kKmMgGtT]", "a size with its unit, such as 100M or 20G")])]
_MANAGED_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"


class DrbdDefinition(Definition):
    """A volume that is replicated between the hives."""

    size: _Size = Field(description="size such as 100M or 20G, the same in every service that describes the volume")
    fstype: Annotated[Any, TemplateOr(Literal["xfs", "ext4"])] = Field(
        description="file system; ext4 for volumes of 100M or less, where xfs wastes room or fails"
    )
    diskless: Annotated[Any, TemplateOr(list[Text])] = Field(None, description="hosts (full names) without a replica of their own")
    device_id: Annotated[int, Field(ge=1, le=255)] | None = Field(None, description="minor number, assigned if not given")
    vgname: Text | None = Field(None, description="entry of hive_mirrored_disk_devices, default drbdvg")
    available_on: list[StageName] = Field(
        default_factory=list, description="elsewhere a local volume is used; default the service's stages"
    )


class NfsDefinition(Definition):
    """A volume on the infrastructure's file service."""

    size: _Size = Field(None, description="quota such as 100G; azure only")
    available_on: list[StageName] = Field(
        default_factory=list, description="elsewhere a local volume is used; default the service's stages"
    )


class VolumeDefinition(Definition):
    """A mount of a service; with `driver`, `drbd` or `nfs` the volume is made by build-volumes."""

    source: str = Field(description="name of a volume or path on the host; empty for tmpfs")
    target: Text = Field(description="where it is mounted in the container")
    type: Annotated[Any, TemplateOr(Literal["bind", "volume", "tmpfs"])] = Field(
        "bind", description="a path of the host, a volume of Docker, or memory; left out, a volume of build-volumes is a volume"
    )
    readonly: Annotated[Any, TemplateOr(bool)] = Field(False, description="the service cannot write there")
    driver: Text | None = Field(None, description="make the volume with this driver of Docker; not with drbd or nfs")
    driver_opts: Annotated[Any, TemplateOr(dict[str, Any])] = Field(
        None, description="the driver's options; without driver they are ignored"
    )
    drbd: DrbdDefinition | None = Field(None, description="make a volume that is replicated between the hives; not with driver or nfs")
    nfs: NfsDefinition | None = Field(
        None, description="make a volume on the infrastructure's file service, {} for its defaults; not with driver or drbd"
    )

    @property
    def kind(self) -> Literal["drbd", "nfs", "volume"] | None:
        """What build-volumes makes of it; None if it only mounts something."""
        return "drbd" if self.drbd else "nfs" if self.nfs else "volume" if self.driver else None

    @model_validator(mode="after")
    def _one_kind(self) -> VolumeDefinition:
        given = [key for key in ("driver", "drbd", "nfs") if getattr(self, key) is not None]
        if len(given) > 1:
            raise WrongError(f"{' and '.join(given)} exclude each other", "keep one of them")
        for key in ("driver", "drbd", "nfs"):
            if key in self.model_fields_set and key not in given:
                raise WrongError(f"{key} has no value", "give one (nfs may be {}) or remove the line")
        return self

    @model_validator(mode="after")
    def _source_fits(self) -> VolumeDefinition:
        if self.kind and is_template(self.source):
            raise WrongError("templates are not evaluated in the source of a volume that is to be made", "write the name")
        if self.kind:
            require(self.source, _MANAGED_NAME, "a volume name of letters, digits, '_', '.' and '-'")
        elif not self.source and self.type != "tmpfs" and not is_template(self.type):
            raise WrongError("source is empty", "only a volume of type tmpfs has no source")
        return self
