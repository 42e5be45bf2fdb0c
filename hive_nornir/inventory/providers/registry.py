"""Which providers there are: the built-in ones and those of other packages (entry points `hive_nornir.providers`)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points

from hive_nornir.errors import UsageError, nearest
from hive_nornir.inventory.providers.base import Provider

__all__ = ["BUILT_IN", "ProviderInfo", "provider_catalogue", "provider_named"]

# Name -> where its class is; imported only when it is used, since cloud libraries are slow to import (design.md 10).
BUILT_IN = {
    "sandbox": "hive_nornir.inventory.providers.sandbox:Sandbox",
    "prepared": "hive_nornir.inventory.providers.prepared:Prepared",
}


@dataclass(frozen=True)
class ProviderInfo:
    """A provider as `hive-nornir providers` shows it; `extra` is what to pip install, "" if nothing."""

    name: str
    extra: str
    description: str


def provider_named(name: str) -> Provider:
    """The provider that a stage names.

    :raises UsageError: there is none.
    """
    places = _places()
    if name not in places:
        raise UsageError(f"there is no provider {name!r} yet", nearest(name, places))
    module, _, attribute = places[name].partition(":")
    provider: Provider = getattr(import_module(module), attribute)()
    return provider


def provider_catalogue() -> list[ProviderInfo]:
    """Every provider, the built-in ones first."""
    providers = (provider_named(name) for name in _places())
    return [ProviderInfo(provider.name, provider.extra, provider.description) for provider in providers]


def _places() -> dict[str, str]:
    return BUILT_IN | {point.name: point.value for point in entry_points(group="hive_nornir.providers")}
