"""Which image a service runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.inventory.tag_mapping import TagMapping
from hive_nornir.tasks.services.image import named_image, with_digest
from tests.hosts.sites import write_site


def site(folder: Path, image: str) -> Site:
    made = write_site(folder, 2)
    (folder / "inventory" / "services.yml").write_text(f"plugin: hive_services\nservices:\n  web:\n    image: {image}\n")
    return made


@pytest.mark.parametrize(
    ("image", "mapping", "wanted"),
    [
        ("nginx:stable", {}, "nginx:stable"),
        ("'{{ hive_registry }}/image_other:latest'", {}, "REGISTRY/image_other:latest"),
        ("nginx:stable", {"nginx:stable": "nginx:1.27"}, "nginx:1.27"),
        ("{from: nginx, roles: [a]}", {}, "REGISTRY/image_web:latest"),
        ("{from: nginx, roles: [a], pull_on: [production], pull_from: r.example/web:7}", {}, "REGISTRY/image_web:latest"),
        ("{from: nginx, roles: [a], pull_on: [private], pull_from: r.example/web:7}", {}, "r.example/web:7"),
        ("{from: nginx, roles: [a], pull_on: [private], pull_from: r.example/web}", {"r.example/web": "web:8"}, "web:8"),
    ],
)  # fmt: skip
def test_the_image_is_the_services_own_the_built_one_or_the_one_that_is_pulled(
    tmp_path: Path, image: str, mapping: dict[str, str], wanted: str
) -> None:
    inventory = site(tmp_path, image).inventory
    assert named_image(inventory, "web", TagMapping(mapping)) == wanted.replace("REGISTRY", str(inventory.scope("web")["hive_registry"]))


@pytest.mark.parametrize(
    ("reference", "pinned"),
    [("nginx", "nginx:latest@sha256:1"), ("nginx:stable", "nginx:stable@sha256:1"), ("r:5000/nginx", "r:5000/nginx:latest@sha256:1")],
)
def test_a_digest_stands_behind_the_tag(reference: str, pinned: str) -> None:
    assert with_digest(reference, "sha256:1") == pinned
