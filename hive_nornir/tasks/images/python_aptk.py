"""Image role python-aptk: Python in the image (spec images-networks-volumes-services.md 1.4)."""

from __future__ import annotations

from pydantic import Field

from hive_nornir.operations import packages
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.images.trust import trust_operations
from hive_nornir.tasks.role import Target, Variables, role

__all__ = ["PythonVariables", "python_aptk"]


class PythonVariables(Variables):
    """What python-aptk reads."""

    hive_http_proxy: str = Field("", description="Behind a proxy the site's authority is trusted first.")


@role()
def python_aptk(host: Target, v: PythonVariables) -> list[Operation]:
    """Install python3 from the distribution's packages, for the programs of the image: hive-nornir itself needs none in it."""
    first = trust_operations(host) if v.hive_http_proxy else []
    return [*first, packages.present(host.facts.package_manager, ["python3"])]
