"""Variables that a site may set: all that hive-builder reads, wherever they are set; a misspelt one is told."""

import os

import pytest

from hive_nornir.inventory.context import SiteContext
from hive_nornir.inventory.site_inventory import SiteInventory
from tests.inventory.support import write_site


def unknown(root, variables, folder="group_vars", owner="all"):
    file = write_site(root, "  web: {image: x}\n") / f"inventory/{folder}/{owner}.yml"
    file.parent.mkdir()
    file.write_text("".join(f"{name}: x\n" for name in variables))
    found = SiteInventory.load(SiteContext.resolve(root, "private", os.environ)).unknown_variables(())
    return [problem.message.split()[-1] for problem in found.problems] if found else []


@pytest.mark.parametrize(
    "names",
    [
        # of stages that do not give them themselves
        ("hive_drbd_download_url", "hive_kernel_version", "hive_root_password", "hive_internal_cidr", "hive_vm_image_name", "hive_bridge"),
        # read by roles for images that hive-builder brings along
        ("hive_safe_ca_dir",),
        ("hive_environment", "hive_replicas", "hive_roles", "hive_env", "hive_from", "hive_ipam", "hive_image"),
    ],
)
def test_attributes_may_be_set_as_variables(tmp_path, names):
    assert unknown(tmp_path, names) == []


def test_variables_of_one_service(tmp_path):
    assert unknown(tmp_path, ["hive_mem_limit", "hive_memlimit"], "host_vars", "web") == ["hive_memlimit"]


def test_whatever_the_sites_own_roles_and_playbook_read(tmp_path):
    names = ["hive_my_conf", "hive_my_task", "hive_my_context", "hive_my_playbook"]
    for name, place in zip(
        names,
        ("roles/db/templates/etc/my.cnf", "roles/db/tasks/main.yml", ".hive/private/roles/x/vars/main.yml", "initialize-services.yml"),
        strict=True,
    ):
        file = tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{{{{ {name} }}}}\n")
    assert unknown(tmp_path, [*names, "hive_my_other"]) == ["hive_my_other"]
