"""The line in which each key of a file is set, whatever form of TOML it has."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.paths import ROOT
from winlogd.config.origins import lines_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[server]\nport = 1\n", {("server", "port"): 2}),
        ("# a comment\n\n[server]  # another\n\n  port = 1 # [rooms]\n", {("server", "port"): 5}),
        ("[server]\r\nport = 1\r\nhost = 'x'\r\n", {("server", "port"): 2, ("server", "host"): 3}),
        ("server.port = 1\nserver.host = 'x'", {("server", "port"): 1, ("server", "host"): 2}),
        ("server = { port = 1, host = 'x' }", {("server", "port"): 1, ("server", "host"): 1}),
        ('["server"]\n"port" = 1', {("server", "port"): 2}),
        ("[server]\nevent_paths = [\n  '/a', # [x]\n  '/b',\n]\nport = 1", {
            ("server", "event_paths"): 2, ("server", "port"): 6,
        }),
        ('[server]\nhost = """\n[rooms]\nport = 2\n"""\nport = 1', {("server", "host"): 2, ("server", "port"): 6}),
        ("[rooms]\nA = ['A-*']\n[rooms.aliases]\nold = 'A'\nolder = 'A'", {("rooms", "A"): 2, ("rooms", "aliases"): 4}),
        ("[rooms]\naliases.old = 'A'", {("rooms", "aliases"): 2}),
        ("[a]\n[b]\nc = 1\n[a.d]\ne = 2", {("b", "c"): 3, ("a", "d"): 5}),
        ("", {}),
    ],
)  # fmt: skip
def test_each_key_has_the_line_on_which_it_begins(text: str, found: dict[tuple[str, str], int]) -> None:
    tomllib.loads(text)
    assert lines_of(text) == found


def test_the_example_file_has_every_key_on_its_line() -> None:
    text = (ROOT / "config.toml").read_text("utf-8")
    lines = text.split("\n")

    found = lines_of(text)

    for (_, key), line in found.items():
        assert lines[line - 1].startswith((f"{key} =", f"[rooms.{key}]", f"[sessions.{key}]"))
    parsed = tomllib.loads(text)
    assert found.keys() == {(section, key) for section, table in parsed.items() for key in table if table[key] != {}}


@given(st.lists(st.sampled_from(("", "# port = 9", 'host = """x', 'y = 1"""', "port = 1", "[other]", "x = [", "]"))))
def test_a_line_that_is_told_has_the_key_in_its_statement(lines: list[str]) -> None:
    text = "\n".join(["[server]", *lines])
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    for (_, key), line in lines_of(text).items():
        assert text.split("\n")[line - 1].lstrip().startswith(key)
