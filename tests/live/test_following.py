"""When all machines are asked for, and when only those that may have changed. Over real sockets."""

from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.played_state import a_live_server, an_event_at, feed
from tests.support.running import wait_for
from winlogd.live import following
from winlogd.live.questions import Asking

pytestmark = pytest.mark.long  # changes are waited for

MANY: Final = 5


def test_after_all_machines_the_next_question_is_for_those_that_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else many changes during a question for all would make the next one a question for all, too."""
    asked: list[str] = []

    def noted(name: str) -> Any:  # noqa: ANN401  # a method
        method = getattr(Asking, name)

        def ask(*args: object) -> object:
            asked.append(name)
            return method(*args)

        return ask

    monkeypatch.setattr(following, "_MOST_LABELS", MANY - 1)
    monkeypatch.setattr(following, "_LOOK_EVERY_S", 3600.0)
    monkeypatch.setattr(following, "WINDOW_S", 0.5)  # all events of a round come within it
    for name in ("whole", "some"):
        monkeypatch.setattr(Asking, name, noted(name))
    with a_live_server(tmp_path) as played, feed(played) as watching:
        played.post(an_event_at("A1-00", username="first"))  # the Book is loaded now
        watching.change_of("A1-00", last_user="first")
        for number in range(4):
            wait_for(lambda: played.call(lambda: not played.live._following._is_asking), "the last answer")
            before = asked[-1]
            asked.clear()
            played.post(*(an_event_at(f"A1-{each:02}", number, username=f"u{number}") for each in range(MANY)))
            changes = watching.until(lambda data, number=number: f"u{number}" in str(data))  # type: ignore[misc]
            named = {each["hostname"] for change in changes for each in change.data["machines"]}
            assert named == {f"A1-{each:02}" for each in range(MANY)}
            assert asked == ["some" if before == "whole" else "whole"]
