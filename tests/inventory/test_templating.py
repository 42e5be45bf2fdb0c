"""What sites' templates may say and what comes out (spec inventory.md 7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.inventory.template_values import OMIT, RenderError, UndefinedVariableError
from hive_nornir.inventory.templating import Templar, is_template, site_filters

NAMES = {
    "numbers": [1, 2],
    "nothing": None,
    "map": {"a": {"b": 3}},
    "groups": {"hives": ["p-h0", "p-h1", "h0"], "private": ["mother", "p-h1", "p-h0"], "repository": ["h2", "p-h1"]},
    "hostvars": {"p-h0": {"hive_private_ip": "10.0.0.4"}, "p-h1": {"hive_private_ip": "10.0.0.5"}, "h0": {}},
    "hive_stage": "private",
    "ports": [{"target_port": 80, "published_port": 61001, "protocol": "tcp"}, {"target_port": 53, "protocol": "udp"}],
}


def render(text, **names):
    return Templar().render(text, {**NAMES, **names})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ numbers }}", [1, 2]),
        ("{{numbers}}", [1, 2]),
        ("{{ map.a.b }}", 3),
        ("{{ '3' }}", "3"),
        ("{{ 365 * 100 }}", 36500),
        ("{{ map.a.b == 3 }}", True),
        ("{{ nothing }}", None),
        ("{{ numbers | map('string') }}", ["1", "2"]),
        ("{{ range(2) }}", [0, 1]),
        ("x{{ map.a.b }}", "x3"),
        ("{{ hive_stage }}-{{ map.a.b }}", "private-3"),
        ("a{{ nothing }}b", "ab"),
        ("{{ hive_stage }}\n", "private\n"),
        ("{{ numbers }}\n", [1, 2]),
        ("{{ 5 }} ", "5 "),
    ],
)
def test_a_lone_expression_keeps_its_type_and_everything_else_is_a_text(text, value):
    result = render(text)
    assert (result, type(result)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ groups['hives'] | intersect(groups[hive_stage]) | first }}", "p-h0"),
        ("{{ groups['repository'] | intersect(groups[hive_stage]) | first + ':5000' }}", "p-h1:5000"),
        ("{{ groups.hives | map('extract', hostvars, 'hive_private_ip') | select('defined') | join(',') }}", "10.0.0.4,10.0.0.5"),
        (
            "{{ groups.hives | map('extract', hostvars, ['hive_private_ip']) | select('defined') | reverse | list }}",
            ["10.0.0.5", "10.0.0.4"],
        ),
        ("{{ ports | selectattr('published_port', 'defined') | map(attribute='published_port') | first }}", 61001),
        ("{{ (ports | selectattr('protocol', 'eq', 'udp') | first).target_port }}", 53),
        ("{{ groups.hives | map('regex_replace', '^p-(.*)$', '\\\\1') | unique | list }}", ["h0", "h1"]),
        ("{{ groups.hives | select('match', 'p-') | list }}", ["p-h0", "p-h1"]),
        ("{{ 'a,b' | split(',') }}", ["a", "b"]),
        ("{{ 'a,b'.split(',') | last }}", "b"),
        ("{{ '{\"a\": [1]}' | from_json }}", {"a": [1]}),
        ("{{ ('a: {b: 2}' | from_yaml).a.b }}", 2),
        ("{{ map is defined and missing is not defined }}", True),
        ("{% if 'h' in hive_stage %}yes{% else %}no{% endif %}", "no"),
        ("{% for n in numbers %}{{ n }};{% endfor %}", "1;2;"),
        ("{% set x = [] %}{% for n in numbers %}{% set _ = x.append(n * 2) %}{% endfor %}{{ x }}", [2, 4]),
        ("{%- set d = {} -%}\n{%- set _ = d.update({'a': 1}) -%}\n{{ d }}", {"a": 1}),
        ("{% if true %}\n{{ numbers }}\n{% else %}\n{{ missing }}\n{% endif %}", [1, 2]),
        ("{% macro m(n) %}<{{ n }}>{% endmacro %}{{ m(1) }}{{ m('a') }}", "<1><a>"),
        ("{% set port %}{{ map.a.b }}{% endset %}{{ port ~ '0' }}", "30"),
        ("{% set all %}{{ numbers }}{% endset %}{{ all | length }}", "2"),
        ("{% filter upper %}a{{ map.a.b }}{% endfilter %}", "A3"),
        ("{{ '{{' }}.Name{{ '}}' }}", "{{.Name}}"),
        ("{% raw %}{{ .Names }}{% endraw %}", "{{ .Names }}"),
        ("{{ '10.0.0.0/24' | ansible.utils.ipaddr('1') }}", "10.0.0.1/24"),
        ("{{ 'x y' | ansible.builtin.quote }}", "'x y'"),
    ],
)
def test_constructs_that_sites_rely_on(text, value):
    assert render(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ missing | default('x') }}", "x"),
        ("{{ missing.deep.er | default('x') }}", "x"),
        ("{{ missing['deep'].er | default(omit) }}", OMIT),
        ("{{ omit if true else 1 }}", OMIT),
        ("{% if true %}{{ omit }}{% endif %}", OMIT),
        ("{{ {'a': omit, 'b': [omit, 1], 'c': {'d': omit}} }}", {"b": [1], "c": {}}),
    ],
)
def test_omit_and_defaults(text, value):
    assert render(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ hive_stag }}", "variable 'hive_stag' is undefined .did you mean 'hive_stage'"),
        ("x{{ qqq }}y", "variable 'qqq' is undefined"),
        ("{{ [qqq] }}", "variable 'qqq' is undefined"),
        ("{{ {'a': {'b': qqq}} }}", "variable 'qqq' is undefined"),
        ("{{ qqq.deep }}", "qqq"),
        ("{{ map.zz }}", "has no attribute 'zz'"),
        ("{{ qqq == 1 }}", "variable 'qqq' is undefined"),
        ("{{ 1 if qqq else 2 }}", "variable 'qqq' is undefined"),
        ("{% for x in qqq %}{% endfor %}", "variable 'qqq' is undefined"),
        ("{{ qqq | mandatory }}", "variable 'qqq' is undefined"),
        ("{{ qqq | length }}", "variable 'qqq' is undefined"),
    ],
)
def test_what_is_undefined_is_an_error_that_names_it(text, message):
    with pytest.raises(UndefinedVariableError, match=message):
        render(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ a ", "unexpected end"),
        ("{% if %}", "Expected an expression"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ numbers | intersekt([1]) }}", "did you mean 'intersect'"),
        ("{{ 'x' is matched('x') }}", "did you mean 'match'"),
        ("a {{ omit }}", "omit stands inside"),
        ("{{ '{' | from_json }}", "JSONDecodeError"),
    ],
)
def test_what_cannot_be_rendered_is_an_error(text, message):
    with pytest.raises(RenderError, match=message):
        render(text)


class Explosive(dict):
    """Fails when another key than those asked for is read."""

    def __getitem__(self, key):
        assert key in ("wanted", "items_"), key
        return super().__getitem__(key)


@pytest.mark.parametrize(
    "text", ["{{ wanted }}", "{% set x = 1 %}{% for i in items_ %}{{ wanted }}{{ x }}{{ [i] | map('string') | first }}{% endfor %}"]
)
def test_only_the_names_that_a_template_uses_are_read(text):
    assert str(render_with(Explosive(wanted="w", items_=["i"], other=object()), text)).startswith("w")


def render_with(names, text):
    return Templar().render(text, names)


# Text that is no template, in any alphabet.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}%#\r"), max_size=40)
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)


@given(plain_values)
def test_a_lone_expression_gives_any_value_as_it_is(value):
    assert render("{{ value }}", value=value) == value


@given(texts, texts, texts)
def test_text_around_expressions_survives(before, value, after):
    result = render(f"{before}{{{{ value }}}}.{after}", value=value)
    assert result == f"{before}{value}.{after}"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_a_value_is_never_rendered_a_second_time(value):
    assert render("{{ value }}|", value=value) == f"{value}|"


@given(plain_values)
def test_json_and_yaml_filters_bring_a_value_back(value):
    assert render("{{ value | to_json | from_json }}", value=value) == value
    assert render("{{ value | to_nice_yaml | from_yaml }}", value={"v": value}) == {"v": value}


def test_what_counts_as_a_template():
    assert [is_template(value) for value in ("{{ a }}", "{% if a %}", "{# a #}", "{a}", "", 5, None)] == [True] * 3 + [False] * 4


def test_a_sites_own_filters_are_found_and_a_broken_one_is_an_error(tmp_path):
    assert site_filters(tmp_path / "none") == {}
    (tmp_path / "mine.py").write_text("class FilterModule:\n    def filters(self):\n        return {'shout': lambda v: v.upper()}\n")
    assert Templar(filters=site_filters(tmp_path)).render("{{ 'a' | shout }}", {}) == "A"
    (tmp_path / "bad.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(RenderError, match=r"bad\.py.*ModuleNotFoundError"):
        site_filters(tmp_path)
