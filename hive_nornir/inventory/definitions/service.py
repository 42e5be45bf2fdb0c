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
    roles: RoleNames = Field(description="the roles that make the image, applied in order")
    env: ScalarMap | None = Field(None, description="environment of the image's containers")
    entrypoint: TextOrList | None = Field(None, description="program that its containers start, default the base image's")
    command: TextOrList | None = Field(None, description="arguments of the program, default the base image's")
    working_dir: Text | None = Field(None, description="folder in which the program starts, default the base image's")
    user: Scalar = Field(None, description="account that it runs as, default the base image's")
    stop_signal: Scalar = Field(None, description="signal that ends it, default the base image's")
    expose: Annotated[_PortText, by_shape("a port or a list of ports")] = Field("", description="ports that the image says it listens on")
    privileged: _Flag = Field(False, description="the build container has all rights of its host; the image's containers do not")
    standalone: bool | None = Field(None, description="the build container has an init system of its own; default the service's")
    pull_on: list[StageName] = Field(default_factory=list, description="stages in which pull_from is used and nothing is built")
    pull_from: Text | None = Field(None, description="image that is used in the stages of pull_on; each of the two needs the other")

    @model_validator(mode="after")
    def _pull_needs_both(self) -> ImageDefinition:
        if bool(self.pull_on) != bool(self.pull_from):
            given, lacking = ("pull_on", "pull_from") if self.pull_on else ("pull_from", "pull_on")
            raise WrongError(f"{given} needs {lacking}", "pull_on says in which stages, pull_from says which image is pulled there")
        return self


class BackupScript(Definition):
    """An entry of backup_scripts (spec inventory.md 5.7)."""

    name: Annotated[Any, TemplateOr(_FileName)] = Field(description="what its files are called after; no two in the site alike")
    directory: Text | None = Field(None, description="directory in the container that is archived; not with the commands")
    backup_command: Text | None = Field(None, description="command in the container that prints the backup, or writes backup_file")
    backup_file: Text | None = Field(None, description="file in the container that backup_command writes")
    restore_command: Text | None = Field(
        None,
        description="command in the container that reads the backup from its standard input, or restore_file; needed with backup_command",
    )
    restore_file: Text | None = Field(None, description="file in the container that the backup is put into before restore_command")
    ext: Text | None = Field(None, description="ending of the files' names, default tar.gz")
    cleanup_days_before: Annotated[Any, TemplateOr(Annotated[int, Field(ge=0)])] = Field(
        None, description="delete backups that are older than so many days, 0 keeps today's; without it none is deleted"
    )
    batch_scripts: _Texts = Field(None, description="commands that are run in the container before the backup, in order")
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

    name: Text = Field(description="name of the network")
    aliases: _Texts = Field(None, description="further names of the service in it")
    options: ScalarMap | None = Field(None, description="options of the network's driver")


class Placement(Definition):
    """On which nodes a service may run."""

    constraints: Annotated[Any, TemplateOr(TextOrList)] = Field(
        None, description="what a node must be, such as node.hostname == p-hive0; groups of the inventory are labels of nodes"
    )
    preferences: Annotated[Any, TemplateOr(list[Any])] = Field(
        None, description="what tasks are spread over, such as spread: node.labels.zone"
    )


class Logging(Definition):
    """Where a service's output goes."""

    driver: Text | None = Field(None, description="logging driver of Docker; without it syslog to the repository")
    options: ScalarMap | None = Field(None, description="the driver's options; without driver they are added to those of syslog")


class RestartConfig(Definition):
    """When a task is started again."""

    condition: Annotated[Any, TemplateOr(Literal["none", "on-failure", "any"])] = Field(
        None, description="after which ends it is started again, default Docker's, any"
    )
    delay: Duration = Field(None, description="wait before it, such as 5s, default Docker's, 5s")
    max_attempts: _OptionalInt = Field(None, description="how often it is tried, default without end")
    window: Duration = Field(None, description="time in which attempts are counted, such as 2m, default from the beginning")


class Healthcheck(Definition):
    """How a container is found healthy."""

    test: TextOrList = Field(
        description="command that ends with 0 while the container is healthy: text for its shell, a list for a program; NONE for no check"
    )
    interval: Duration = Field(None, description="time between two checks, such as 30s, default Docker's, 30s")
    timeout: Duration = Field(None, description="how long a check may take, such as 10s, default Docker's, 30s")
    retries: _OptionalInt = Field(None, description="how many must fail one after the other, default Docker's, 3")
    start_period: Duration = Field(None, description="time after the start in which failures do not count, such as 1m, default none")


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

    image: _Image = Field("", description="image to run: its name, or a map that says how build-images makes it")
    available_on: list[StageName] = Field(
        default_factory=list, description="stages in which the service runs, default the file's, else all"
    )
    command: TextOrList | None = Field(None, description="arguments of the container's program, default the image's")
    entrypoint: TextOrList | None = Field(None, description="program that the container starts, default the image's")
    environment: Annotated[Any, TemplateOr(_Environment)] | None = Field(
        None, description="environment of the containers, beside that of the site's proxy"
    )
    ports: list[PortEntry] = Field(
        default_factory=list, description="published ports: published:target with /udp where wanted, only the target, or a map"
    )
    volumes: list[VolumeDefinition] = Field(default_factory=list, description="what is mounted in the containers")
    networks: Annotated[Any, TemplateOr(list[_Attachment])] = Field(
        None, description="networks that the service joins, by name or as maps, default every network of the stage"
    )
    mode: Annotated[Any, TemplateOr(Literal["replicated", "global"])] | None = Field(
        None, description="replicated: a number of tasks; global: one on each node; default replicated"
    )
    replicas: _OptionalInt | None = Field(
        None, description="number of tasks; without it, or with -1, a new service begins with one, and an existing one keeps its own"
    )
    endpoint_mode: Annotated[Any, TemplateOr(Literal["vip", "dnsrr"])] | None = Field(
        None, description="its name leads to one address for all tasks (vip) or to theirs in turn (dnsrr); default vip"
    )
    placement: Annotated[Any, TemplateOr(Placement)] | None = Field(None, description="on which nodes tasks may run, default any")
    labels: Annotated[Any, TemplateOr(dict[str, Any])] = Field(
        default_factory=dict, description="labels of the service, such as HIVE_VIP for a virtual IP; values that are no text become JSON"
    )
    logging: Annotated[Any, TemplateOr(Logging)] | None = Field(None, description="where the output goes, default syslog to the repository")
    hosts: ScalarMap | None = Field(None, description="name: address, added to /etc/hosts of the containers beside the stage's servers")
    dns: TextOrList | None = Field(None, description="addresses of name servers, default Docker's own")
    user: Scalar = Field(None, description="account that the program runs as, default the image's")
    working_dir: Text | None = Field(None, description="folder in which the program starts, default the image's")
    restart_config: Annotated[Any, TemplateOr(RestartConfig)] | None = Field(None, description="when a task is started again")
    stop_grace_period: Duration | None = Field(
        None, description="how long it may take to end before it is killed, such as 1m30s, default 10s"
    )
    healthcheck: Annotated[Any, TemplateOr(Healthcheck)] | None = Field(
        None, description="how a container is found healthy, default the image's"
    )
    sysctls: ScalarMap | None = Field(None, description="kernel parameters of the containers")
    cap_add: _Texts | None = Field(None, description="capabilities that the containers have in addition, such as NET_ADMIN")
    cap_drop: _Texts | None = Field(None, description="capabilities that are taken from them, such as MKNOD")
    cpu_limit: Annotated[Any, TemplateOr(Annotated[float, Field(gt=0)])] | None = Field(
        None, description="processors that a container may use at most, such as 0.5"
    )
    mem_limit: Annotated[Any, TemplateOr(Annotated[str, matching(r"\d+(\.\d+)?[bkmgtBKMGT]?[bB]?", "a size such as 512M")])] | None = Field(
        None, description="memory that it may use at most, such as 512M"
    )
    standalone: bool = Field(False, description="a container with an init system of its own, which starts several services inside")
    initialize_roles: RoleNames = Field(default_factory=list, description="roles that initialize-services applies in its running container")
    backup_scripts: Annotated[Any, TemplateOr(list[BackupScript])] = Field(
        default_factory=list, description="what the repository server backs up of it every day, and how"
    )
    monitor_error: _Texts = Field(
        default_factory=list, description="regular expressions (POSIX ERE) of lines in its log that the monitoring has to hear of"
    )
    ignore_error: _Texts = Field(default_factory=list, description="expressions of lines that are left out of these")
