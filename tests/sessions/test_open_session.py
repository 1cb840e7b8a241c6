"""An open session keeps few texts, and tells the names that it was made with."""

import pytest

from winlogd.sessions.pair import OpenSession, System


def session(session_uuid: str, username: str, hostname: str | None) -> OpenSession:
    system = System("Windows", "11")
    return OpenSession(7, session_uuid, "2026-01-13T08:00:00Z", username, hostname, "192.0.2.1", system)


@pytest.mark.parametrize(
    ("session_uuid", "username", "hostname"),
    [
        ("alice@A102-07@3f9c1e", "alice", "A102-07"),
        ("alice@example.org@A102-07@3f9c1e", "alice@example.org", "A102-07"),
        ("alice@A@B@3f9c1e", "alice", "A@B"),
        ("\u00e9lise@PC-\u00e9@3f9c1e", "\u00e9lise", "PC-\u00e9"),
        ("alice@unknown@3f9c1e", "alice", None),
        ("alice@unknown@3f9c1e", "alice", ""),
        ("alice@unknown@3f9c1e", "alice", "unknown"),
        ("alice@A102-07@3f9c1e", "ALICE", "a102-07"),
        ("alice@A102-07@3f9c1e0", "alice", "A102-07"),
        ("alice@A102-07@@3f9c1e", "alice", "A102-07"),
        ("s1", "alice", "A102-07"),
        ("", "alice", "A102-07"),
    ],
)
def test_a_session_tells_its_names_whatever_its_identifier_is(
    session_uuid: str, username: str, hostname: str | None
) -> None:
    made = session(session_uuid, username, hostname)
    assert (made.username, made.hostname) == (username, hostname)


def test_a_copy_with_another_id_has_all_else() -> None:
    made = session("alice@A102-07@3f9c1e", "alice", "A102-07")
    copy = made.replaced(event_id=8, username="bob")
    assert (copy.event_id, copy.username, copy.hostname) == (8, "bob", "A102-07")
    assert copy.replaced(event_id=7, username="alice") == made


def test_a_session_stands_for_the_decision_on_its_logon() -> None:
    made = session("alice@A102-07@3f9c1e", "alice", "A102-07")
    assert made.stored is made
    assert made.timestamp == made.highest == made.connected_at
