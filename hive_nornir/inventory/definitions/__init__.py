"""The definition files of a site: what may stand in them, and reading them."""

from hive_nornir.inventory.definitions.loading import load_definitions
from hive_nornir.inventory.definitions.site import Definitions, Network, Service, SiteStage, Volume, host_names, mother_name
from hive_nornir.inventory.definitions.stage_rules import BUILTIN_PROVIDERS

__all__ = [
    "BUILTIN_PROVIDERS",
    "Definitions",
    "Network",
    "Service",
    "SiteStage",
    "Volume",
    "host_names",
    "load_definitions",
    "mother_name",
]
