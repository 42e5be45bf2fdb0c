"""Every command: its name, where it is and its summary, so that `--help` needs to import none of them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BY_NAME", "COMMANDS", "CommandEntry"]

_BUILD = "Build and configure"
_DEFINE = "Definitions"
_USE = "Use"
_LISTS = "Lists"
_SETTINGS = "Settings"


@dataclass(frozen=True)
class CommandEntry:
    """A command.

    :param target: `module:attribute` of the click command.
    :param summary: one line, the same as the first one of the command's own help.
    :param section: heading in the help of `hive-nornir`.
    """

    name: str
    target: str
    summary: str
    section: str


_C = CommandEntry

COMMANDS: tuple[CommandEntry, ...] = (
    _C("init", "hive_nornir.cli.scaffold:init", "Write a commented site to start from.", _DEFINE),
    _C("check", "hive_nornir.cli.inventory:check", "Validate the definitions; touch nothing.", _DEFINE),
    _C("inventory", "hive_nornir.cli.inventory:inventory", "Show the servers, or the inventory as Ansible reads it.", _DEFINE),
    _C("new", "hive_nornir.cli.scaffold:new", "Write the file of a new part of the site.", _DEFINE),
    _C("run", "hive_nornir.cli.run:run", "Run a phase, or all that are left to do.", _BUILD),
    _C("all", "hive_nornir.cli.run:all_phases", "Run the phases that are left to do (run all).", _BUILD),
    _C("build-infra", "hive_nornir.cli.run:build_infra", "Create, start, stop or delete the servers (run build-infra).", _BUILD),
    _C("setup-hosts", "hive_nornir.cli.run:setup_hosts", "Install and configure the servers (run setup-hosts).", _BUILD),
    _C("build-images", "hive_nornir.cli.run:build_images", "Build the services' images (run build-images).", _BUILD),
    _C("build-volumes", "hive_nornir.cli.run:build_volumes", "Make or remove the services' volumes (run build-volumes).", _BUILD),
    _C("build-networks", "hive_nornir.cli.run:build_networks", "Make or remove the swarm's networks (run build-networks).", _BUILD),
    _C("deploy-services", "hive_nornir.cli.run:deploy_services", "Deploy or remove the services (run deploy-services).", _BUILD),
    _C(
        "initialize-services",
        "hive_nornir.cli.run:initialize_services",
        "Run the services' initialize_roles in their containers (run initialize-services).",
        _BUILD,
    ),
    _C("ssh", "hive_nornir.cli.ssh:ssh", "Log in to a server, or run a command on it.", _USE),
    _C("scp", "hive_nornir.cli.ssh:scp", "Copy files from and to servers.", _USE),
    _C("console", "hive_nornir.cli.ssh:console", "Forward a web console of the site until Ctrl-C.", _USE),
    _C("ps", "hive_nornir.cli.daily:ps", "Show how the swarm's services are.", _USE),
    _C("logs", "hive_nornir.cli.daily:logs", "Show what a service has written, from the repository server.", _USE),
    _C("backup", "hive_nornir.cli.daily:backup", "Back up now, what backup.timer does every night.", _USE),
    _C("restore", "hive_nornir.cli.daily:restore", "Put back the latest backups; what is there now is replaced.", _USE),
    _C("image", "hive_nornir.cli.daily:image", "Look into the making of images.", _USE),
    _C("node", "hive_nornir.cli.daily:node", "Mend the swarm's nodes.", _USE),
    _C("volume", "hive_nornir.cli.volume:volume", "Change volumes that are in use.", _USE),
    _C("roles", "hive_nornir.cli.lists:roles", "List the roles: play, condition, variables.", _LISTS),
    _C("providers", "hive_nornir.cli.lists:providers", "List the infrastructures that a stage can be built on.", _LISTS),
    _C("list-hosts", "hive_nornir.cli.lists:list_hosts", "Print the names of the stage's servers.", _LISTS),
    _C("list-services", "hive_nornir.cli.lists:list_services", "Print the names of the stage's services.", _LISTS),
    _C("list-volumes", "hive_nornir.cli.lists:list_volumes", "Print the names of the stage's volumes.", _LISTS),
    _C("set", "hive_nornir.cli.variables:set_", "Store a variable of the command.", _SETTINGS),
    _C("get", "hive_nornir.cli.variables:get", "Print a variable of the command.", _SETTINGS),
    _C("unset", "hive_nornir.cli.variables:unset", "Forget a stored variable of the command.", _SETTINGS),
    _C("variables", "hive_nornir.cli.variables:variables", "List the command's variables and where their values come from.", _SETTINGS),
    _C("completion", "hive_nornir.cli.completion:completion", "Print the completion script of a shell.", _SETTINGS),
)

BY_NAME = {entry.name: entry for entry in COMMANDS}
