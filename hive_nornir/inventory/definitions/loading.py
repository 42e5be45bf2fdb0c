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
from hive_nornir.inventory.definitions.service_rules import check_name, check_service
from hive_nornir.inventory.definitions.site import Definitions, Service, SiteStage
from hive_nornir.inventory.definitions.site_rules import check_site
from hive_nornir.inventory.definitions.stage import StageDefinition
from hive_nornir.inventory.definitions.stage_rules import BUILTIN_PROVIDERS, check_stage
from hive_nornir.inventory.model import STAGES, Stage
from hive_nornir.inventory.yaml_source import YamlSource, load_yaml

__all__ = ["load_definitions"]


def load_definitions(root: Path, providers: Collection[str] = BUILTIN_PROVIDERS) -> Definitions:
    """Read `inventory/*.yml` and `*.yaml` of a site.

    :param root: the site's folder; files are named in messages as paths below it.
    :param providers: the infrastructures that a stage may name: the built-in ones and those of other packages.
    :raises DefinitionErrors: with every problem of every file, each with its line.
    """
    loader = _Loader(root, tuple(providers))
    loader.read()
    site = loader.site()
    if site is None or loader.problems:
        raise DefinitionErrors(loader.problems)
    return site


@dataclass
class _Loader:
    root: Path
    providers: tuple[str, ...]
    problems: list[Problem] = field(default_factory=list)
    hives: list[YamlSource] = field(default_factory=list)
    service_files: list[YamlSource] = field(default_factory=list)
    incomplete: bool = False
    """Whether hosts or networks may seem to be missing only because the place that has them is wrong."""

    def read(self) -> None:
        """Sort the files by what they say they are."""
        folder = self.root / "inventory"
        files = sorted(file for file in folder.glob("*") if file.suffix in (".yml", ".yaml") and file.is_file())
        kinds = {HIVE_PLUGIN: self.hives, SERVICES_PLUGIN: self.service_files}
        for file in files:
            source, problems = load_yaml(file)
            self.problems += problems
            plugin = source.data.get("plugin") if isinstance(source.data, dict) else None
            if plugin in kinds:
                kinds[plugin].append(source)
            elif source.data is not None or not problems:
                line = source.line(("plugin",)) or 1
                message = f"plugin must be {' or '.join(kinds)}" + (f", found {plugin!r}" if plugin is not None else "; the file has none")
                self.problems.append(
                    Problem(file, line, message, nearest(str(plugin), kinds) if plugin else "only definitions belong here")
                )
            self.incomplete |= plugin not in kinds
        for source in self.hives[1:]:
            self.problems.append(source.problem((), "the site has a second hive definition", f"the first one is {self.hives[0].file}"))
        if not self.hives and not self.incomplete:
            self.problems.append(
                Problem(folder, 0, f"no file with plugin: {HIVE_PLUGIN} is there", "hive-nornir init makes a site to start from")
            )

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

    def _hive(self, source: YamlSource) -> tuple[str, dict[Stage, SiteStage], Place] | None:
        found, problems = validate(HiveFile[Any], Place(source, ()))
        self._about_frame(problems)
        written = source.data.get("stages")
        name = found.name if found else str(source.data.get("name", ""))
        stages: dict[Stage, SiteStage] = {}
        for stage in STAGES:
            if isinstance(written, dict) and stage in written:
                checked = self._stage(name, stage, Place(source, ("stages", stage)))
                if checked:
                    stages[stage] = checked
        return name, stages, Place(source, ("name",))

    def _stage(self, hive_name: str, name: Stage, place: Place) -> SiteStage | None:
        definition, problems = validate(StageDefinition, place)
        self._about_frame(problems)
        if definition is None:
            return None
        self.problems += place.problems(check_stage(hive_name, name, definition, place.raw, self.providers))
        return SiteStage(name, definition, place)

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
        own = definition.available_on
        services.setdefault(name, Service(name, definition, stages if own is None else in_order(own), place))

    def _network(self, source: YamlSource, name: Any) -> dict[str, Any]:
        place = Place(source, ("networks", name))
        if place.raw is None:
            return {}
        _, problems = validate(NetworkDefinition, place)
        self.problems += problems
        return cast("dict[str, Any]", place.raw) if isinstance(place.raw, dict) else {}
