"""The references that are committed are what the code says today, and leave nothing out."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable

import pytest

from hive_nornir.inventory.definitions.types import Definition
from hive_nornir.inventory.persistent_variables import VARIABLES
from scripts.reference import FOLDER
from scripts.reference.attributes import HEADINGS, models
from scripts.reference.descriptions import COMMAND, OF_ANSIBLE, SITE
from scripts.reference.markdown import anchor, prose, table
from scripts.reference.roles import IMAGE_ROLES, SERVER_ROLES
from scripts.reference.variables import declared_by_roles, inventory_names

DESCRIBE = "describe it in scripts/reference/descriptions.py"


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return generated()


def generated() -> dict[str, str]:
    """From a process of its own: click remembers how a command was last asked for help, which other tests do in other ways."""
    program = "import json; from scripts.reference import documents; print(json.dumps(documents()))"
    done = subprocess.run([sys.executable, "-c", program], cwd=FOLDER.parents[1], capture_output=True, text=True, check=True)
    documents: dict[str, str] = json.loads(done.stdout)
    return documents


@pytest.mark.parametrize("name", ["roles.md", "variables.md", "attributes.md", "commands.md"])
def test_what_is_committed_is_what_the_generator_makes(made: dict[str, str], name: str) -> None:
    file = FOLDER / name
    committed = file.read_text(encoding="utf-8") if file.is_file() else ""
    assert committed == made[name], f"docs/reference/{name} is not what the code says: run `make reference`, and commit it"


def test_every_role_has_its_section(made: dict[str, str]) -> None:
    headings = re.findall(r"^#### (.+)$", made["roles.md"], re.MULTILINE)
    assert headings == [*SERVER_ROLES, *IMAGE_ROLES]


def test_every_attribute_is_described() -> None:
    lacking = [
        f"{name}.{key}" for name, model in models().items() for key, each in model["properties"].items() if "description" not in each
    ]
    assert lacking == []


def test_every_part_of_the_definitions_has_a_heading() -> None:
    assert set(models()) == set(HEADINGS)
    assert {each.__name__.partition("[")[0] for each in _below(Definition) if each.__module__.startswith("hive_nornir.")} == set(HEADINGS)


def test_every_variable_is_described_once() -> None:
    names = inventory_names()
    assert [name for name in names if name not in SITE and not declared_by_roles(name)] == [], DESCRIBE
    assert [name for name in SITE if name not in names] == [], "nobody knows these any more"
    own = {variable.name for variable in VARIABLES}
    assert own - COMMAND.keys() == OF_ANSIBLE, DESCRIBE
    assert COMMAND.keys() <= own, "nobody knows these any more"


def test_links_lead_somewhere(made: dict[str, str]) -> None:
    anchors = {name: [anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)] for name, text in made.items()}
    assert [name for name, known in anchors.items() if len(set(known)) < len(known)] == [], "GitHub numbers headings that are alike"
    links = [(file or name, target) for name, text in made.items() for file, target in re.findall(r"\]\(([\w.]*)#([^)]*)\)", text)]
    assert links
    assert [link for link in links if link[1] not in anchors[link[0]]] == []


def test_nothing_of_this_machine_or_day_is_in_them(made: dict[str, str]) -> None:
    root = str(FOLDER.parents[1])
    assert [name for name, text in made.items() if root in text] == []
    assert made == generated()


def test_rows_are_as_long_as_their_tables_are_wide(made: dict[str, str]) -> None:
    for text in made.values():
        for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_words_are_not_taken_for_markdown() -> None:
    assert prose("all of *.d, for <name> (spec setup-hosts.md 2.3), in `*.sh` (ADD-1, L-3)") == r"all of \*.d, for \<name>, in `*.sh`"
    assert table(["A", "B", "C"], [["a|b", "", "one\n  two"]]) == "| A | C |\n| --- | --- |\n| a\\|b | one two |\n"
    assert table(["A"], []) == ""


def _below(model: type[Definition]) -> Iterable[type[Definition]]:
    for each in model.__subclasses__():
        yield each
        yield from _below(each)
