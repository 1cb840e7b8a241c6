"""The live state lets events go first while it asks for some machines."""

from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tests.support.played_state import SITE
from tests.support.reading import settings_of
from winlogd.api.machines import machine_fields
from winlogd.api.rooms import room_fields
from winlogd.api.session_fields import local_text
from winlogd.live.questions import Asking
from winlogd.live.spelling import Spelling
from winlogd.store.file import schema
from winlogd.store.read.access import Access
from winlogd.store.read.limits import Limits
from winlogd.store.read.turns import Turns


@pytest.mark.parametrize(("journal_mode", "gives_way"), [("WAL", True), ("DELETE", False)])
def test_events_go_first_beside_a_question_for_some_machines_if_no_commit_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, journal_mode: str, gives_way: bool
) -> None:
    turns: list[None] = []
    monkeypatch.setattr(Turns, "_give_way", lambda _: turns.append(None))
    path = tmp_path / "winlog.db"
    with closing(apsw.Connection(str(path))) as other:
        other.execute(f"PRAGMA journal_mode = {journal_mode}")
        schema.prepare(other)
    with closing(Access(settings_of(path, journal_mode), Limits(), lambda: False)) as access:
        asking = Asking(SITE, Spelling(machine_fields, room_fields, local_text), 0)
        access.begin_question()
        state = asking.whole(access, None).state
        assert not turns, "a page may wait for all machines"
        asking.some(access, {"a1-01"}, state.known)
        assert bool(turns) is gives_way
