"""What a service may say (spec inventory.md 5), and the parts of it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, Tag, model_validator

from hive_nornir.inventory.definitions.ports import PortEntry
from hive_nornir.inventory.definitions.types import (
    Definition,
    Duration,
    RoleNames,
    Scalar,
    ScalarMap,
    StageName,
    TemplateOr,
    Text,
    TextOrList,
    WrongError,
    by_shape,
    matching,
)
from hive_nornir.inventory.definitions.volumes import VolumeDefinition

__all__ = [
    "BackupScript",
    "Healthcheck",
    "ImageDefinition",
    "Logging",
    "NetworkAttachment",
    "Placement",
    "RestartConfig",
    "ServiceDefinition",
]

_Flag = Annotated[Any, TemplateOr(bool)]
_Texts = Annotated[Any, TemplateOr(list[Text])]
_FileName = Annotated[str, matching(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "a file name of letters, digits, '_', '.' and '-'")]
_PortText = Annotated[str, Tag("<text>")] | Annotated[int, Tag("<number>")] | Annotated[list[Scalar], Tag("<list>")]
_OptionalInt = Annotated[Any, TemplateOr(int)]
_ScalarDict = dict[Any, Scalar]
_Environment = Annotated[
    Annotated[_ScalarDict, Tag("<map>")] | Annotated[list[_ScalarDict], Tag("<list>")], by_shape("a map, or a list of maps that become one")
]


class ImageDefinition(Definition):
    """An image that build-images makes (spec inventory.md 5.3)."""

    from_: Text = Field(alias="from", description="the image to start from")
    roles: RoleNames = Field(description="applied in order")
    env: ScalarMap | None = None
    entrypoint: TextOrList | None = None
    command: TextOrList | None = None
    working_dir: Text | None = None
    user: Scalar = None
    stop_signal: Scalar = None
    expose: Annotated[_PortText, by_shape("a port or a list of ports")] = ""
    privileged: _Flag = Field(False, description="of the build container only")
    standalone: bool | None = Field(None, description="default the service's")
    pull_on: list[StageName] = Field(default_factory=list, description="stages in which pull_from is used and nothing is built")
    pull_from: Text | None = None

    @model_validator(mode="after")
    def _pull_needs_both(self) -> ImageDefinition:
        if bool(self.pull_on) != bool(self.pull_from):
            given, lacking = ("pull_on", "pull_from") if self.pull_on else ("pull_from", "pull_on")
            raise WrongError(f"{given} needs {lacking}", "pull_on says in which stages, pull_from says which image is pulled there")
        return self


class BackupScript(Definition):
    """An entry of backup_scripts (spec inventory.md 5.7)."""

    name: Annotated[Any, TemplateOr(_FileName)]
    directory: Text | None = Field(None, description="directory in the container")
    backup_command: Text | None = None
    backup_file: Text | None = None
    restore_command: Text | None = None
    restore_file: Text | None = None
    ext: Text | None = Field(None, description="default tar.gz")
    cleanup_days_before: Annotated[Any, TemplateOr(Annotated[int, Field(ge=0)])] = Field(None, description="delete backups older than this")
    batch_scripts: _Texts = None
    container: Text | None = Field(None, description="of older sites; ignored, it is always the service's own")

    @model_validator(mode="after")
    def _one_way(self) -> BackupScript:
        commands = [key for key in ("backup_command", "backup_file", "restore_command", "restore_file") if getattr(self, key)]
        if self.directory and commands:
            raise WrongError(f"directory and {commands[0]} exclude each other", "back up a directory or run commands, not both")
        if not self.directory and not self.backup_command and not self.batch_scripts:
            raise WrongError("directory or backup_command is missing", "one of them says what is backed up")
        if self.backup_command and not self.restore_command:
            raise WrongError("restore_command is missing", "it is needed with backup_command")
        for key in ("backup", "restore"):
            if getattr(self, f"{key}_file") and not getattr(self, f"{key}_command"):
                raise WrongError(f"{key}_file needs {key}_command")
        return self


class NetworkAttachment(Definition):
    """A network that a service joins, with its own names there."""

    name: Text
    aliases: _Texts = None
    options: ScalarMap | None = None


class Placement(Definition):
    """On which nodes a service may run."""

    constraints: Annotated[Any, TemplateOr(TextOrList)] = None
    preferences: Annotated[Any, TemplateOr(list[Any])] = None


class Logging(Definition):
    """Where a service's output goes."""

    driver: Text | None = None
    options: ScalarMap | None = None


class RestartConfig(Definition):
    """When a task is started again."""

    condition: Annotated[Any, TemplateOr(Literal["none", "on-failure", "any"])] = None
    delay: Duration = None
    max_attempts: _OptionalInt = None
    window: Duration = None


class Healthcheck(Definition):
    """How a container is found healthy."""

    test: TextOrList
    interval: Duration = None
    timeout: Duration = None
    retries: _OptionalInt = None
    start_period: Duration = None


_Image = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[ImageDefinition, Tag("<map>")],
    by_shape("an image's name, or a map that says how it is built"),
]
_Attachment = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[NetworkAttachment, Tag("<map>")],
    by_shape("a network's name, or a map with name, aliases and options"),
]


class ServiceDefinition(Definition):
    """A service. An attribute with null is as if it were not there, where hive-builder takes it so."""

    model_config = ConfigDict(json_schema_extra={"required": ["image"]})
    required: ClassVar[tuple[str, ...]] = ("image",)

    image: _Image = ""
    available_on: list[StageName] = Field(default_factory=list, description="default the file's, else all stages")
    command: TextOrList | None = None
    entrypoint: TextOrList | None = None
    environment: Annotated[Any, TemplateOr(_Environment)] | None = None
    ports: list[PortEntry] = Field(default_factory=list)
    volumes: list[VolumeDefinition] = Field(default_factory=list)
    networks: Annotated[Any, TemplateOr(list[_Attachment])] = Field(None, description="default every network of the stage")
    mode: Annotated[Any, TemplateOr(Literal["replicated", "global"])] | None = None
    replicas: _OptionalInt | None = Field(None, description="default: create one, leave the number of an existing service")
    endpoint_mode: Annotated[Any, TemplateOr(Literal["vip", "dnsrr"])] | None = None
    placement: Annotated[Any, TemplateOr(Placement)] | None = None
    labels: Annotated[Any, TemplateOr(dict[str, Any])] = Field(default_factory=dict, description="values that are no text become JSON")
    logging: Annotated[Any, TemplateOr(Logging)] | None = Field(None, description="default syslog to the repository")
    hosts: ScalarMap | None = Field(None, description="name: address, added to /etc/hosts")
    dns: TextOrList | None = None
    user: Scalar = None
    working_dir: Text | None = None
    restart_config: Annotated[Any, TemplateOr(RestartConfig)] | None = None
    stop_grace_period: Duration | None = None
    healthcheck: Annotated[Any, TemplateOr(Healthcheck)] | None = None
    sysctls: ScalarMap | None = None
    cap_add: _Texts | None = None
    cap_drop: _Texts | None = None
    cpu_limit: Annotated[Any, TemplateOr(Annotated[float, Field(gt=0)])] | None = None
    mem_limit: Annotated[Any, TemplateOr(Annotated[str, matching(r"\d+(\.\d+)?[bkmgtBKMGT]?[bB]?", "a size such as 512M")])] | None = None
    standalone: bool = Field(False, description="a container with its own init system")
    initialize_roles: RoleNames = Field(default_factory=list)
    backup_scripts: Annotated[Any, TemplateOr(list[BackupScript])] = Field(default_factory=list)
    monitor_error: _Texts = Field(default_factory=list)
    ignore_error: _Texts = Field(default_factory=list)
