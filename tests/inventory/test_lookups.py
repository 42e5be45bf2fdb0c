"""lookup('password'), lookup('file') and lookup('env') in templates (spec inventory.md 7)."""

import stat
import string
import threading

import pytest

from hive_nornir.inventory.lookups import Lookups
from hive_nornir.inventory.template_values import NotYetCreated, RenderError
from hive_nornir.inventory.templating import Templar


def render(text, root, create=True, env=None, **names):
    return Templar(Lookups(root, env or {}, create).globals()).render(text, names)


PASSWORD = "{{ lookup('password', dir + '/registry password length=15 chars=ascii_letters,digits') }}"


def test_a_password_is_made_once_for_its_owner_only(tmp_path):
    password = render(PASSWORD, tmp_path, dir="context dir")
    file = tmp_path / "context dir/registry password"
    assert file.read_text() == f"{password}\n"
    assert len(password) == 15
    assert set(password) <= set(string.ascii_letters + string.digits)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert render(PASSWORD, tmp_path, dir="context dir") == password
    assert render(PASSWORD, tmp_path, create=False, dir="context dir") == password


def test_hive_builders_file_is_used_as_it_is(tmp_path):
    (tmp_path / "old").write_text("from hive-builder\n")
    assert render("{{ lookup('password', 'old length=3') }}", tmp_path) == "from hive-builder"


@pytest.mark.parametrize(
    ("options", "length", "characters"),
    [
        ("", 20, string.ascii_letters + string.digits + ".,:-_"),
        (" length=40 chars=hexdigits", 40, string.hexdigits),
        (" chars=ab,digits,,", 20, "ab," + string.digits),
    ],
)
def test_length_and_characters(tmp_path, options, length, characters):
    password = render("{{ lookup('password', 'p' ~ options) }}", tmp_path, options=options)
    assert len(password) == length
    assert set(password) <= set(characters)


def test_options_can_be_arguments(tmp_path):
    assert len(render("{{ lookup('ansible.builtin.password', 'p', length=7, chars=['digits']) }}", tmp_path)) == 7


def test_many_at_once_get_the_same_password(tmp_path):
    found = []
    threads = [threading.Thread(target=lambda: found.append(render("{{ lookup('password', 'd/p') }}", tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (len(found), len(set(found))) == (8, 1)


@pytest.mark.parametrize(
    "text",
    [
        "{{ lookup('password', 'd/p') }}",
        "api-key={{ lookup('password', 'd/p') }}",
        "{{ 'key=' ~ lookup('password', 'd/p') }}",
        "{{ lookup('password', 'd/p') | b64encode }}",
        "{% if true %}{{ lookup('password', 'd/p') | hash }}{% endif %}",
    ],
)
def test_a_plan_makes_nothing_and_marks_what_depends_on_the_password(tmp_path, text):
    value = render(text, tmp_path, create=False)
    assert isinstance(value, NotYetCreated)
    assert value.path == tmp_path / "d/p"
    assert not [*tmp_path.iterdir()]
    assert not isinstance(render(text, tmp_path), NotYetCreated)


def test_files_lose_the_blanks_at_their_end(tmp_path):
    (tmp_path / "login.yml").write_text("user: me\nport: 3\n\n")
    (tmp_path / "home").mkdir()
    (tmp_path / "home/token").write_text("  secret \n")
    env = {"HOME": str(tmp_path / "home")}
    assert render("{{ (lookup('file', 'login.yml') | from_yaml).port }}", tmp_path) == 3
    assert render("{{ lookup('file', lookup('env', 'HOME') + '/token') }}", tmp_path, env=env) == "  secret"
    assert render("{{ lookup('file', 'home/token', lstrip=true) }}", tmp_path) == "secret"
    assert render("{{ query('file', 'login.yml', 'home/token') | length }}", tmp_path) == 2


def test_a_file_with_braces_is_not_a_template(tmp_path):
    (tmp_path / "format").write_text("{{ .Names }}")
    assert render("{{ lookup('file', 'format') }}", tmp_path) == "{{ .Names }}"


def test_the_environment_is_that_of_the_command(tmp_path):
    assert render("{{ lookup('env', 'A', 'B') }}", tmp_path, env={"A": "1"}) == "1,"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ lookup('file', 'none') }}", "cannot read .*none: No such file"),
        ("{{ lookup('pasword', 'p') }}", "did you mean 'password'"),
        ("{{ lookup('password', 'p lenght=3') }}", "did you mean 'length'"),
        ("{{ lookup('password', 'p length=many') }}", "positive number"),
        ("{{ lookup('password', 'p length=0') }}", "positive number"),
    ],
)
def test_what_is_wrong_is_an_error(tmp_path, text, message):
    with pytest.raises(RenderError, match=message):
        render(text, tmp_path)
    assert not [*tmp_path.iterdir()]
