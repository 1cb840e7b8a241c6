"""docs/openapi.yaml describes every path, method and parameter that the server has, and no others.

No package reads YAML here: the description keeps to a form that a few lines of Python can read.
`test_openapi_conformance` asks the server whether the answers are as described.
"""

import re
from collections.abc import Mapping
from typing import Final

import pytest

from tests.support.paths import ROOT
from winlogd.api import hardware, live, machines, moment, occupancy, readers_log, rooms, search, stats, stored_events
from winlogd.api.current_filter import Wanted
from winlogd.api.parameters import FILTERS, PAGE
from winlogd.api.routes import CURRENT, EVENTS, FOLLOWING, HEALTH, METRICS, OPENAPI, QUESTIONS, READY

TEXT: Final = (ROOT / "docs" / "openapi.yaml").read_text("utf-8")
PATHS: Final = TEXT[TEXT.index("\npaths:\n") : TEXT.index("\ncomponents:\n")]

LIVE: Final = ("/api/v1/live", "get")
"""The endpoint whose answer has no end."""
PARAMETERS: Final[Mapping[tuple[str, str], set[str]]] = {
    (HEALTH, "get"): set(),
    (READY, "get"): set(),
    (METRICS, "get"): set(),
    (EVENTS, "post"): {"User-Agent"},
    (EVENTS, "get"): {*stored_events.PARAMETERS, *PAGE},
    (CURRENT, "get"): set(Wanted._fields),
    (OPENAPI, "get"): set(),
    ("/api/v1/sessions", "get"): {*FILTERS, *PAGE},
    ("/api/v1/moment", "get"): set(moment.PARAMETERS),
    ("/api/v1/machines", "get"): set(machines.PARAMETERS),
    ("/api/v1/machines/{hostname}", "get"): {"hostname"},
    ("/api/v1/users/{username}", "get"): {"username"},
    ("/api/v1/rooms", "get"): set(rooms.PARAMETERS),
    ("/api/v1/snapshot", "get"): {"If-None-Match"},
    LIVE: {*live.PARAMETERS, "Last-Event-ID"},
    ("/api/v1/stats", "get"): set(stats.PARAMETERS),
    ("/api/v1/occupancy", "get"): set(occupancy.PARAMETERS),
    ("/api/v1/search", "get"): set(search.PARAMETERS),
    ("/api/v1/hardware", "get"): {*hardware.PARAMETERS, *PAGE},
    ("/api/v1/readers/log", "get"): set(readers_log.PARAMETERS),
    ("/api/v1/me", "get"): set(),
}
"""The parameters that each endpoint takes."""


def described() -> dict[tuple[str, str], set[str]]:
    """Return the parameters of each path and method of the description."""
    found: dict[tuple[str, str], set[str]] = {}
    path = method = ""
    for line in PATHS.splitlines():
        if match := re.fullmatch(r"  (/\S+):", line):
            path = match[1]
        elif match := re.fullmatch(r"    (\w+):", line):
            method = match[1]
            found[path, method] = set()
        elif match := re.fullmatch(r'        - \{\$ref: "#/components/parameters/(\w+)"\}', line):
            assert f"\n    {match[1]}:\n      name: {match[1]}\n" in TEXT
            found[path, method].add(match[1])
        elif match := re.match(r"        - \{?name: ([\w-]+)", line):
            found[path, method].add(match[1])
    return found


def test_each_path_is_described_and_each_described_path_is_there() -> None:
    assert {path for path, _ in described()} == {
        HEALTH,
        READY,
        METRICS,
        CURRENT,
        EVENTS,
        OPENAPI,
        *QUESTIONS,
        *FOLLOWING,
    }


@pytest.mark.parametrize("endpoint", PARAMETERS, ids=" ".join)
def test_an_endpoint_is_described_with_its_parameters(endpoint: tuple[str, str]) -> None:
    assert described()[endpoint] == PARAMETERS[endpoint]


def test_no_endpoint_is_described_that_is_not_known() -> None:
    assert described().keys() == PARAMETERS.keys()


def test_each_schema_that_is_named_is_there() -> None:
    for kind, name in re.findall(r'"#/components/(\w+)/(\w+)"', TEXT):
        assert re.search(rf"\n  {kind}:\n(?:    .*\n|\n)*    {name}:", TEXT), name


def test_each_object_of_an_answer_names_all_its_fields() -> None:
    """Only a new event may have further fields."""
    for match in re.finditer(r"\n( *)type: object\n((?:\1.*\n)*)", TEXT):
        block = match[2]
        own = block.partition(f"\n{match[1]}properties:")[0]
        is_sent = "required: [username, action, timestamp]\n" in f"{own}\n"
        assert is_sent or f"{match[1]}additionalProperties: false" in f"{own}\n", own
        assert f"{match[1]}required: [" in own
