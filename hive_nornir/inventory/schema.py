"""JSON Schema of the definition files, for editors that check and complete while one types."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hive_nornir.inventory.definitions.files import HIVE_PLUGIN, SERVICES_PLUGIN, HiveFile, NetworkDefinition, ServicesFile
from hive_nornir.inventory.definitions.service import ServiceDefinition
from hive_nornir.inventory.definitions.stage import StageDefinition
from hive_nornir.inventory.definitions.stage_rules import BUILTIN_PROVIDERS

__all__ = ["json_schemas"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schemas(providers: Collection[str] = BUILTIN_PROVIDERS) -> dict[str, dict[str, Any]]:
    """The schemas by the word that stands after `plugin:`, `hive_inventory` and `hive_services`.

    :param providers: the infrastructures that a stage may name.
    """
    hive = HiveFile[StageDefinition].model_json_schema(by_alias=True)
    hive["$defs"]["StageDefinition"]["properties"]["provider"]["enum"] = sorted(providers)
    services = ServicesFile[ServiceDefinition, NetworkDefinition | None].model_json_schema(by_alias=True)
    return {
        HIVE_PLUGIN: {"$schema": _DIALECT, **hive, "title": "hive definition"},
        SERVICES_PLUGIN: {"$schema": _DIALECT, **services, "title": "service definitions"},
    }
