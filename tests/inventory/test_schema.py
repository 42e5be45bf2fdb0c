import json

from hive_nornir.inventory.definitions import BUILTIN_PROVIDERS
from hive_nornir.inventory.schema import json_schemas


def test_there_is_a_schema_for_each_kind_of_file_and_it_is_json():
    schemas = json_schemas()
    assert set(schemas) == {"hive_inventory", "hive_services"}
    assert json.loads(json.dumps(schemas)) == schemas
    for plugin, schema in schemas.items():
        assert schema["properties"]["plugin"]["const"] == plugin
        assert schema["additionalProperties"] is False


def test_a_stage_needs_what_the_loader_needs_and_knows_its_providers():
    stage = json_schemas([*BUILTIN_PROVIDERS, "acme"])["hive_inventory"]["$defs"]["StageDefinition"]
    assert stage["required"] == ["provider", "cidr"]
    assert "acme" in stage["properties"]["provider"]["enum"]
    assert stage["additionalProperties"] is False


def test_values_may_be_templates_only_where_templates_are_evaluated():
    service = json_schemas()["hive_services"]["$defs"]["ServiceDefinition"]["properties"]
    assert {shape["type"] for shape in service["replicas"]["anyOf"]} >= {"integer", "string"}
    assert service["standalone"]["type"] == "boolean"
    assert service["available_on"]["items"]["enum"] == ["private", "staging", "production"]


def test_every_reference_leads_somewhere():
    for schema in json_schemas().values():
        text = json.dumps(schema)
        names = {part.split('"')[0] for part in text.split("#/$defs/")[1:]}
        assert names <= set(schema["$defs"])


def test_names_of_keys_are_those_of_the_files():
    image = json_schemas()["hive_services"]["$defs"]["ImageDefinition"]
    assert "from" in image["properties"]
    assert set(image["required"]) == {"from", "roles"}
