"""The running server answers as docs/openapi.yaml says, whatever schemathesis asks: no 5xx, and no other shape.

It needs the dependency group `api`, and is skipped without it.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.test_openapi import LIVE, PARAMETERS
from tests.support.paths import ROOT
from tests.support.questions import at, sent
from tests.support.running import Winlogd
from tests.support.served import NOW_US, SETTINGS, served, two_days

pytestmark = pytest.mark.long

ODD: Final = ('a"b', "\u202ea", "=1", "\U0001f600", "a/b")
"""Users and machines besides those of the two days."""
_CHECKS: Final = ("status_code", "content_type", "response_headers", "response_schema")
ASKED: Final = [
    pytest.param(endpoint, mode, id=f"{' '.join(endpoint)} {mode}")
    for endpoint, names in PARAMETERS.items()
    for mode in ("positive", "negative")
    if (mode == "positive" or not names <= {"hostname", "username"}) and endpoint != LIVE
]
"""Nothing of the wrong shape can be sent where there is neither a query nor a body: a path takes any text. An answer
without an end cannot be validated as a whole: `test_live_feed` reads it."""
_WITH_NAMES: Final = (
    ("hostname", ("A102-07", "a102-08", "A102-10", "b1-01", *ODD)),
    ("username", ("alice", "bob", *ODD)),
)


@pytest.fixture(scope="module")
def api() -> Any:  # noqa: ANN401  # a schema of schemathesis
    """Return the description, as schemathesis has read it."""
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed (dependency group api)")
    return schemathesis.openapi.from_path(ROOT / "docs" / "openapi.yaml")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    events = [*two_days(), *(sent(at(1, 10) + 1 + n, name, "C", name) for n, name in enumerate(ODD))]
    profile = f"{SETTINGS}[privacy]\nperson_profile = true\n"
    with served(tmp_path_factory.mktemp("site"), events, NOW_US, profile) as server:
        yield server
        assert "ERROR" not in server.log
        assert "Traceback" not in server.log


@pytest.mark.parametrize(("endpoint", "mode"), ASKED)
def test_every_answer_is_as_described(endpoint: tuple[str, str], mode: str, api: Any, site: Winlogd) -> None:  # noqa: ANN401
    general, checks = (pytest.importorskip(f"schemathesis.{name}") for name in ("checks", "specs.openapi.checks"))
    modes = pytest.importorskip("schemathesis").GenerationMode
    path, method = endpoint
    operation = api[path][method]
    cases = operation.as_strategy(generation_mode=modes(mode))
    chosen = [general.not_a_server_error, *(getattr(checks, f"{name}_conformance") for name in _CHECKS)]

    @settings(max_examples=100, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        case = data.draw(cases)
        for name, known in _WITH_NAMES:
            if name in (case.path_parameters or {}) and mode == "positive":
                case.path_parameters[name] = data.draw(st.sampled_from(known) | st.just(case.path_parameters[name]))
        case.call_and_validate(base_url=f"http://127.0.0.1:{site.port}", checks=chosen, timeout=30)

    ask()
