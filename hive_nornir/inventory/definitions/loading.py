"""Reads all definition files of a site and reports everything that is wrong with them at once (spec inventory.md 8, pitfall 1)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from hive_nornir.errors import DefinitionErrors, Problem, nearest
from hive_nornir.inventory.definitions.files import HIVE_PLUGIN, SERVICES_PLUGIN, HiveFile, NetworkDefinition, ServicesFile
from hive_nornir.inventory.definitions.findings import Place, validate
from hive_nornir.inventory.definitions.merging import in_order, merge_networks, merge_volumes
from hive_nornir.inventory.definitions.service import ServiceDefinition
from hive_nornir.inventory.definitions.service_rules import check_name, check_network_name, check_service
from hive_nornir.inventory.definitions.site import Definitions, Service, SiteStage
from hive_nornir.inventory.definitions.site_rules import check_site
from hive_nornir.inventory.definitions.stage import StageDefinition
from hive_nornir.inventory.definitions.stage_rules import BUILTIN_PROVIDERS, check_stage
from hive_nornir.inventory.model import STAGES, Stage
from hive_nornir.inventory.yaml_source import YamlSource, load_yaml

__all__ = ["load_definitions"]


def load_definitions(root: Path, providers: Collection[str] = BUILTIN_PROVIDERS, *, inventory: Path | None = None) -> Definitions:
    """Read the `*.yml` and `*.yaml` of a site's inventory.

    :param root: the site's folder.
    :param providers: the infrastructures that a stage may name: the built-in ones and those of other packages.
    :param inventory: the folder with the definitions (`SiteContext.inventory_path`); `<root>/inventory` without it.
    :raises DefinitionErrors: with every problem of every file, each with its line.
    """
    loader = _Loader(root, inventory or root / "inventory", tuple(providers))
    loader.read()
    site = loader.site()
    if site is None or loader.problems:
        raise DefinitionErrors(loader.problems)
    return site


@dataclass
class _Loader:
    root: Path
    folder: Path
    providers: tuple[str, ...]
    problems: list[Problem] = field(default_factory=list)
    hives: list[YamlSource] = field(default_factory=list)
    service_files: list[YamlSource] = field(default_factory=list)
    incomplete: bool = False
    """Whether hosts or networks may seem to be missing only because the place that has them is wrong."""

    def read(self) -> None:
        """Sort the files by what they say they are."""
        for file in sorted(self.folder.glob("[!.]*")):
            if file.suffix in (".yml", ".yaml") and file.is_file():
                self._read_file(file)
        for source in self.hives[1:]:
            self.problems.append(source.problem((), "the site has a second hive definition", f"the first one is {self.hives[0].file}"))
        if not self.hives and not self.incomplete:
            message = f"no file with plugin: {HIVE_PLUGIN} is there"
            self.problems.append(Problem(self.folder, 0, message, "hive-nornir init makes a site to start from"))

    def _read_file(self, file: Path) -> None:
        source, problems = load_yaml(file)
        self.problems += problems
        plugin = source.data.get("plugin") if isinstance(source.data, dict) else None
        if plugin == HIVE_PLUGIN:
            self.hives.append(source)
        elif plugin == SERVICES_PLUGIN:
            self.service_files.append(source)
        else:
            self.incomplete = True
            if source.data is not None or not problems:
                found = "the file has none" if plugin is None else f"found {plugin!r}"
                hint = nearest(str(plugin), (HIVE_PLUGIN, SERVICES_PLUGIN)) if plugin else "only definitions belong in this folder"
                message = f"plugin must be {HIVE_PLUGIN} or {SERVICES_PLUGIN}, {found}"
                self.problems.append(Problem(file, source.line(("plugin",)) or 1, message, hint))

    def site(self) -> Definitions | None:
        """Check the contents; None where there is too little to go on."""
        hive = self._hive(self.hives[0]) if self.hives else None
        services, networks = self._service_files()
        volumes, volume_problems = merge_volumes(services.values())
        self.problems += volume_problems
        name, stages, place = hive or ("", {}, Place(YamlSource(self.root, {}, None, {}), ()))
        site = Definitions(self.root, name, place, stages, services, networks, volumes)
        self.problems += check_site(site, complete=hive is not None and not self.incomplete)
        return site if hive is not None else None

    def _about_frame(self, problems: list[Problem]) -> None:
        self.problems += problems
        self.incomplete |= bool(problems)

    def _hive(self, source: YamlSource) -> tuple[str, dict[Stage, SiteStage], Place]:
        found, problems = validate(HiveFile[Any], Place(source, ()))
        self._about_frame(problems)
        written = source.data.get("stages")
        name = found.name if found else ""
        stages: dict[Stage, SiteStage] = {}
        for key in written if isinstance(written, dict) else {}:
            if key in STAGES:
                self._stage(name, key, Place(source, ("stages", key)), stages)
        return name, stages, Place(source, ("name",))

    def _stage(self, hive_name: str, name: Stage, place: Place, stages: dict[Stage, SiteStage]) -> None:
        definition, problems = validate(StageDefinition, place)
        self._about_frame(problems)
        if definition is not None:
            self.problems += place.problems(check_stage(hive_name, name, definition, place.raw, self.providers))
            stages[name] = SiteStage(name, definition, place)

    def _service_files(self) -> tuple[dict[str, Service], dict[str, Any]]:
        services: dict[str, Service] = {}
        files = []
        for source in self.service_files:
            found, problems = validate(ServicesFile[Any, Any], Place(source, ()))
            self._about_frame(problems)
            stages = in_order(found.available_on) if found and found.available_on is not None else STAGES
            for name in found.services if found else {}:
                self._service(name, Place(source, ("services", name)), stages, services)
            networks = {name: self._network(source, name) for name in (found.networks or {} if found else {})}
            files.append((Place(source, ()), networks, stages))
        merged, problems = merge_networks(files)
        self.problems += problems
        return services, merged

    def _service(self, name: str, place: Place, stages: tuple[Stage, ...], services: dict[str, Service]) -> None:
        self.problems += Place(place.source, place.steps[:-1]).problems(check_name(name))
        definition, problems = validate(ServiceDefinition, place)
        self.problems += problems
        if name in services:
            first = services[name].place
            hint = f"the first one: {first.source.file}:{first.source.line(first.steps)}"
            self.problems.append(place.problem("the service is defined twice", hint=hint))
        if definition is None:
            return
        self.problems += place.problems(check_service(definition, place))
        own = in_order(definition.available_on) if "available_on" in definition.model_fields_set else stages
        services.setdefault(name, Service(name, definition, own, place))

    def _network(self, source: YamlSource, name: Any) -> dict[str, Any]:
        place = Place(source, ("networks", name))
        self.problems += Place(source, ("networks",)).problems(check_network_name(name))
        if place.raw is None:
            return {}
        _, problems = validate(NetworkDefinition, place)
        self.problems += problems
        return cast("dict[str, Any]", place.raw) if isinstance(place.raw, dict) else {}
