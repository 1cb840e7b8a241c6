"""Each endpoint answers what two days at a small site were like (`tests.support.served.two_days`)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.running import Winlogd
from tests.support.served import SETTINGS, found, get, served, two_days

MONDAY: Final = "2026-01-12"
TUESDAY: Final = "2026-01-13"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    with served(tmp_path_factory.mktemp("site"), two_days()) as server:
        yield server


def time(day: str, hour_minute: str) -> str:
    return f"{day}T{hour_minute}:00.000000+00:00"


def briefly(sessions: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    """Return of each session the user, the host, how it ended or that it is open, and the certainty."""
    return [
        (each["username"], each["hostname"], each["ended_by"] or each["state"], each["certainty"]) for each in sessions
    ]


ALICE_1: Final = ("alice", "A102-07", "client", "certain")
ALICE_2: Final = ("alice", "A102-07", "open", "presumed")
BOB: Final = ("DOM\\bob", "B1-01", "open", "doubtful")
CAROL_1: Final = ("carol", "A102-08", "auto", "doubtful")
CAROL_2: Final = ("Carol", "a102-08.", "client", "certain")
DAVE: Final = ("dave", "A102-09", "client", "certain")
EVA: Final = ("Éva", "A102-08", "open", "presumed")


# ── sessions ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_session_has_all_its_fields(site: Winlogd) -> None:
    [session] = found(site, "sessions", user="alice", state="ended")["sessions"]
    identifier = session.pop("session_uuid")
    assert identifier.startswith("alice@A102-07@")
    assert list(session.items()) == [
        ("username", "alice"),
        ("hostname", "A102-07"),
        ("room", "A102"),
        ("connected_at", time(MONDAY, "08:00")),
        ("disconnected_at", time(MONDAY, "09:30")),
        ("duration_seconds", 5400.0),
        ("state", "ended"),
        ("ended_by", "client"),
        ("certainty", "certain"),
        ("doubt", None),
        ("doubtful_since", None),
        ("source_ip", "10.1.0.7"),
        ("os_name", "Windows"),
        ("os_version", "11"),
        ("received_at", time(MONDAY, "08:00")),
        ("clock_error_seconds", None),
    ]


def test_the_newest_sessions_come_first_and_orphans_are_not_among_them(site: Winlogd) -> None:
    answer = found(site, "sessions")
    assert briefly(answer["sessions"]) == [EVA, ALICE_2, CAROL_2, CAROL_1, BOB, ALICE_1]
    assert (answer["next"], answer["history"], list(answer)) == (None, "complete", ["sessions", "next", "history"])


@pytest.mark.parametrize(
    ("query", "sessions"),
    [
        ({"user": "ALICE"}, [ALICE_2, ALICE_1]),
        ({"user": "bob"}, [BOB]),
        ({"user": "dom\\bob"}, [BOB]),
        ({"user": "other\\bob"}, []),
        ({"user": "E\u0301VA"}, [EVA]),
        ({"user": "*o*"}, [CAROL_2, CAROL_1, BOB]),
        ({"user": "c?rol"}, []),
        ({"host": "A102-08."}, [EVA, CAROL_2, CAROL_1]),
        ({"host": "*-01"}, [BOB]),
        ({"room": "A102", "user": "carol"}, [CAROL_2, CAROL_1]),
        ({"room": "Old wing"}, [BOB]),
        ({"room": "b1"}, [BOB]),
        ({"ip": "10.1.0.8"}, [CAROL_1]),
        ({"ip": "10.2.0.0/16"}, [BOB]),
        ({"ip": "2001:db8::/32"}, [EVA]),
        ({"state": "open"}, [EVA, ALICE_2, BOB]),
        ({"state": "doubtful"}, [BOB]),
        ({"state": "ended"}, [CAROL_2, CAROL_1, ALICE_1]),
        ({"state": "orphan"}, [DAVE]),
        ({"ended_by": "auto"}, [CAROL_1]),
        ({"ended_by": "expired"}, []),
        ({"ended_by": "auto,expired"}, [CAROL_1]),
        ({"ended_by": "expired,client"}, [CAROL_2, ALICE_1]),
        ({"ended_by": "auto,client,auto"}, [CAROL_2, CAROL_1, ALICE_1]),
        ({"ended_by": "auto,client", "state": "orphan"}, [DAVE]),
        ({"ended_by": "auto,client", "state": "open"}, []),
        ({"from": "today"}, [EVA, ALICE_2, BOB]),
        ({"from": "now"}, [EVA, ALICE_2]),
        ({"from": f"{MONDAY}T14:00:00.5", "to": "yesterday"}, [CAROL_2, BOB]),
        ({"to": f"{MONDAY}T08:15:00Z"}, [ALICE_1]),
        ({"from": f"{MONDAY}T10:00", "to": f"{MONDAY}T12:00:00+01:00"}, [CAROL_1, BOB]),
        ({"at": "now"}, [EVA, ALICE_2]),  # Bob's session is too old to be on
        ({"at": f"{MONDAY}T10:15:00+01:00"}, [("DOM\\bob", "B1-01", "open", "presumed"), ALICE_1]),
        ({"at": f"{TUESDAY}T08:45"}, [("alice", "A102-07", "open", "doubtful")]),  # by one of two clocks
    ],
)
def test_filters_choose_sessions(query: dict[str, str], sessions: list[tuple[str, ...]], site: Winlogd) -> None:
    assert briefly(found(site, "sessions", **query)["sessions"]) == sessions


def test_a_doubt_has_a_reason_and_a_beginning(site: Winlogd) -> None:
    [bob] = found(site, "sessions", state="doubtful")["sessions"]
    assert (bob["doubt"], bob["doubtful_since"]) == ("age", time(MONDAY, "22:30"))
    [carol] = found(site, "sessions", ended_by="auto")["sessions"]
    assert (carol["doubt"], carol["doubtful_since"]) == ("no_end", time(MONDAY, "11:00"))
    assert (carol["disconnected_at"], carol["duration_seconds"]) == (f"{MONDAY}T13:59:59.000000+00:00", None)
    [alice] = found(site, "sessions", at=f"{TUESDAY}T08:45")["sessions"]
    assert (alice["doubt"], alice["clock_error_seconds"]) == ("clock", -1800)


def test_pages_have_each_session_once(site: Winlogd) -> None:
    sessions: list[object] = []
    cursor: dict[str, str] = {}
    while True:
        page = found(site, "sessions", limit=2, **cursor)
        sessions += page["sessions"]
        if page["next"] is None:
            break
        assert len(page["sessions"]) == 2
        cursor = {"cursor": page["next"]}
    assert sessions == found(site, "sessions")["sessions"]


# ── events ────────────────────────────────────────────────────────────────────────────────────────────


def test_events_have_the_columns_of_the_view(site: Winlogd) -> None:
    answer = found(site, "events", limit=1000)
    rows = site.rows("SELECT * FROM events_all ORDER BY source = 'today' DESC, id DESC")
    assert answer == {"events": rows, "next": None}
    assert [tuple(event) for event in answer["events"]] == [tuple(row) for row in rows]
    assert len(rows) == 12  # of them one that winlogd added: the end of Carol's first session


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ({"user": "system"}, "MM"),
        ({"host": "a102-08"}, "CDCDC"),
        ({"room": "A102", "from": "today"}, "CCM"),
        ({"room": "Old wing"}, "C"),
        ({"ip": "10.1.0.0/24", "action": "C"}, "CCCC"),
        ({"action": "D", "to": f"{MONDAY}T10:00"}, "D"),
        ({"from": f"{MONDAY}T15:00", "to": "yesterday"}, "DD"),
        ({"user": "nobody"}, ""),
    ],
)
def test_filters_choose_events(query: dict[str, str], actions: str, site: Winlogd) -> None:
    assert "".join(event["action"] for event in found(site, "events", **query)["events"]) == actions


# ── machines, users, rooms ────────────────────────────────────────────────────────────────────────────

FREE: Final[dict[str, object]] = {
    "hostname": "A102-09",
    "room": "A102",
    "state": "free",
    "users": [],
    "last_user": None,
    "last_contact": time(MONDAY, "16:00"),
    "os_name": None,
    "os_version": None,
    "source_ip": None,
}
IN_USE: Final = {
    "hostname": "A102-07",
    "room": "A102",
    "state": "in_use",
    "users": [
        {"username": "alice", "connected_at": time(TUESDAY, "08:30"), "certainty": "presumed", "doubt": None},
    ],
    "last_user": "alice",
    "last_contact": time(TUESDAY, "09:00"),
    "os_name": "Windows",
    "os_version": "11",
    "source_ip": "10.1.0.7",
}


def test_the_machines_of_the_site_with_their_states(site: Winlogd) -> None:
    answer = found(site, "machines")
    assert {each["hostname"]: each["state"] for each in answer["machines"]} == {
        "A102-07": "in_use",
        "A102-08": "in_use",
        "A102-09": "free",
        "A102-10": "never_seen",
        "A102-11": "out_of_order",
        "B1-01": "doubtful",
    }
    assert [each for each in answer["machines"] if each["hostname"] in ("A102-07", "A102-09")] == [IN_USE, FREE]
    assert answer["history"] == "complete"


@pytest.mark.parametrize(
    ("query", "hosts"),
    [
        ({"room": "Old wing"}, ["B1-01"]),
        ({"host": "a102-1*"}, ["A102-10", "A102-11"]),
        ({"host": "A102-07."}, ["A102-07"]),
        ({"room": "A102", "state": "free"}, ["A102-09"]),
        ({"state": "silent"}, []),
    ],
)
def test_filters_choose_machines(query: dict[str, str], hosts: list[str], site: Winlogd) -> None:
    assert [each["hostname"] for each in found(site, "machines", **query)["machines"]] == hosts


def test_one_machine_has_its_hardware_and_its_last_sessions(site: Winlogd) -> None:
    answer = found(site, "machines/a102-07")
    assert list(answer)[: len(IN_USE)] == list(IN_USE)
    assert {name: answer.pop(name) for name in IN_USE} == IN_USE
    assert briefly(answer.pop("sessions")) == [ALICE_2, ALICE_1]
    assert answer == {
        "hardware": {"cpu": "y", "disks": [{"size": 1}]},
        "hardware_received_at": time(TUESDAY, "07:00"),
        "changes": [{"path": "cpu", "from": "x", "to": "y", "at": time(TUESDAY, "07:00")}],
        "history": "complete",
    }


def test_a_machine_that_is_only_expected_has_its_fields_too(site: Winlogd) -> None:
    answer = found(site, "machines/A102-10")
    assert (answer["state"], answer["hardware"], answer["changes"], answer["sessions"]) == ("never_seen", None, [], [])


def test_a_user_has_machines_and_last_sessions_but_no_profile(site: Winlogd) -> None:
    answer = found(site, "users/bob")
    sessions = answer.pop("sessions")
    assert briefly(sessions) == [BOB]
    assert answer == {
        "username": "DOM\\bob",
        "now": sessions,
        "last_seen": time(MONDAY, "08:30"),
        "machines": [{"hostname": "B1-01", "sessions": 1, "last": time(MONDAY, "08:30")}],
        "history": "complete",
    }


@pytest.mark.parametrize("path", ["machines/A102-77", "machines/unknown", "users/nobody", "users/dave"])
def test_who_is_not_known_is_not_found(path: str, site: Winlogd) -> None:
    answer = get(site, path)
    assert (answer.status, answer.body) == (404, b'{"error":"Not found"}')


def test_a_room_has_counts_and_says_why_nobody_knows_what_is_free(site: Winlogd) -> None:
    counts = {"in_use": 0, "doubtful": 1, "free": 0, "free_unknown": None, "silent": 0, "never_seen": 0}
    b1 = {"name": "B1", "machines": 1, **counts, "out_of_order": 0}
    answer = found(site, "rooms")
    assert answer == {
        "rooms": [
            {
                "name": "A102",
                "machines": 5,
                "in_use": 2,
                "doubtful": 0,
                "free": None,
                "free_unknown": "1 of the last week's 3 sessions have no logoff.",
                "silent": 0,
                "never_seen": 1,
                "out_of_order": 1,
            },
            b1,
        ],
        "history": "complete",
    }
    assert found(site, "rooms", room="old wing")["rooms"] == [b1]


# ── counts, search ────────────────────────────────────────────────────────────────────────────────────


def test_logons_are_counted_by_day_hour_and_hour_of_the_week(site: Winlogd) -> None:
    answer = found(site, "stats", from_="yesterday")
    assert answer == {
        "by": "day",
        "room": None,
        "rows": [
            {"begins_at": time(MONDAY, "00:00"), "logons": 4, "users": 3, "most": 1},
            {"begins_at": time(TUESDAY, "00:00"), "logons": 2, "users": 2, "most": 2},
        ],
        "history": "complete",
        "archive": {"kept_days": 365, "is_decided": True},
    }
    hours = found(site, "stats", by="hour", from_=f"{MONDAY}T08:00", to=f"{MONDAY}T09:59", room="A102")
    assert hours["room"] == "A102"
    assert [(each["begins_at"], each["logons"]) for each in hours["rows"]] == [
        (time(MONDAY, "08:00"), 1),
        (time(MONDAY, "09:00"), 0),
    ]
    week = found(site, "stats", by="weekday_hour", from_="today")
    nine = {"weekday": 1, "hour": 9, "hours": 1, "logons": 1, "users": 1, "most": 1}
    assert week["rows"][9] == nine | {"most_at": time(TUESDAY, "09:00")}
    assert len(week["rows"]) == 11


@pytest.mark.parametrize(("by", "rows"), [("hour", 7 * 24 + 1), ("day", 31), ("weekday_hour", 7 * 24)])
def test_without_a_span_the_last_days_are_counted(by: str, rows: int, site: Winlogd) -> None:
    assert len(found(site, "stats", by=by)["rows"]) == rows


def test_the_search_says_what_it_understood(site: Winlogd) -> None:
    answer = found(site, "search", q="bob hier 8h45", lang="fr")
    assert answer == {
        "understood": "bob, lundi 12 janvier, 08:45",
        "words": ["bob"],
        "people": [{"username": "DOM\\bob", "last": time(MONDAY, "08:30"), "hostname": "B1-01"}],
        "machines": [],
        "rooms": [],
        "addresses": [],
        "moments": [
            {
                "words": "lundi 12 janvier, 08:45",
                "from": time(MONDAY, "08:45"),
                "to": time(MONDAY, "08:45"),
                "is_future": False,
                "is_now": False,
            }
        ],
        "best": "people",
        "count": {
            "people": 1,
            "doubtful": 0,
            "is_more": False,
            "only": {"username": "DOM\\bob", "hostname": "B1-01", "certainty": "presumed"},
        },
    }


@pytest.mark.parametrize(
    ("words", "kind", "first"),
    [
        ("car", "people", {"username": "Carol", "last": time(MONDAY, "14:00"), "hostname": "a102-08."}),
        ("02-08", "machines", {"hostname": "A102-08", "last": time(TUESDAY, "10:00"), "username": "Éva"}),
        ("a1", "rooms", {"name": "A102"}),
        ("old wing", "rooms", {"name": "B1"}),
        ("10.2.", "addresses", {"source_ip": "10.2.0.1", "last": time(MONDAY, "08:30"), "hostname": "B1-01"}),
    ],
)
def test_a_part_of_a_name_finds_it(words: str, kind: str, first: dict[str, str], site: Winlogd) -> None:
    assert found(site, "search", q=words)[kind][0] == first


@pytest.mark.parametrize(
    ("words", "spans"),
    [
        ("10:15", [(TUESDAY, "10:15", "10:15")]),  # the latest past one
        ("10:30", [(MONDAY, "10:30", "10:30")]),
        ("yesterday 10:15", [(MONDAY, "10:15", "10:15")]),
        ("hier 10h-10h30", [(MONDAY, "10:00", "10:30")]),
        ("12/01 M2", [(MONDAY, "09:00", "10:00")]),
    ],
)
def test_times_are_understood(words: str, spans: list[tuple[str, str, str]], site: Winlogd) -> None:
    moments = found(site, "search", q=words)["moments"]
    assert [(each["from"][:10], each["from"][11:16]) for each in moments] == [span[:2] for span in spans]
    assert [each["to"][:13] for each in moments] == [f"{day}T{until[:2]}" for day, _, until in spans]


@pytest.mark.parametrize(
    ("words", "best"),
    [
        ("a102", "rooms"),  # the machines A102-07 to A102-11 only begin so
        ("a102-08", "machines"),
        ("bob", "people"),
        ("10.1.0.7", "addresses"),
        ("old wing", "rooms"),
        ("a", "rooms"),  # and alice begins so
        ("nobody", None),
        ("yesterday", None),
    ],
)
def test_the_best_name_is_the_whole_text_or_begins_with_it(words: str, best: str | None, site: Winlogd) -> None:
    assert found(site, "search", q=words)["best"] == best


@pytest.mark.parametrize(
    ("words", "people", "doubtful"),
    [
        ("A102 yesterday 8:45", 1, 0),
        ("A102 hier 8h-12h", 2, 1),  # carol's first session has no end
        ("yesterday 8:45", 2, 0),  # of the whole site
        ("now", 2, 0),
        ("now B1", 0, 0),  # bob logged on too long ago
        ("B1 today 1:00", 1, 1),  # and was doubtful before
        ("a102-08 yesterday 14:30", 1, 0),
        ("dave yesterday 14:30", 0, 0),
        ("10.2.0.1 hier 9h", 1, 0),
    ],
)
def test_the_search_counts_who_was_there(words: str, people: int, doubtful: int, site: Winlogd) -> None:
    count = found(site, "search", q=words)["count"]
    assert (count["people"], count["doubtful"], count["is_more"]) == (people, doubtful, False)


def test_the_only_session_of_a_moment_is_named(site: Winlogd) -> None:
    assert found(site, "search", q="A102 yesterday 8:45")["count"]["only"] == {
        "username": "alice",
        "hostname": "A102-07",
        "certainty": "certain",
    }
    assert found(site, "search", q="yesterday 8:45")["count"]["only"] is None


@pytest.mark.parametrize("words", ["A102", "nobody yesterday 8:45", "A102 today 23:00", ""])
def test_nobody_is_counted_without_a_known_name_and_a_past_moment(words: str, site: Winlogd) -> None:
    assert found(site, "search", q=words)["count"] is None


def test_a_moment_says_if_it_is_now_or_in_the_future(site: Winlogd) -> None:
    moments = [found(site, "search", q=words)["moments"][0] for words in ("maintenant", "10:15", "today 23:00")]
    assert [(each["is_now"], each["is_future"]) for each in moments] == [(True, False), (False, False), (False, True)]


@pytest.mark.parametrize("words", ["", " ", "%", "'", "*****", "\0", "x" * 3000, "a " * 1500, "\u202e", "99:99 32/13"])
def test_the_search_never_fails(words: str, site: Winlogd) -> None:
    answer = found(site, "search", q=words)
    assert answer["understood"]
    assert answer["moments"] == []


def test_a_search_without_words_finds_nothing(site: Winlogd) -> None:
    assert found(site, "search")["understood"] == "nothing"
    assert found(site, "search", q="", lang="fr")["understood"] == "rien"


def test_no_answer_is_for_a_cache(site: Winlogd) -> None:
    for path in ("sessions", "events", "machines", "machines/A102-07", "users/alice", "rooms", "stats", "search"):
        assert get(site, path).headers["cache-control"] == "no-store"


def test_a_profile_is_given_where_the_site_allows_it(tmp_path: Path) -> None:
    with served(tmp_path, two_days(), settings=f"{SETTINGS}[privacy]\nperson_profile = true\n") as server:
        profile = found(server, "users/carol")["profile"]
        assert len(profile["days"]) == 30
        assert profile["days"][-2] == {"day": MONDAY, "seconds": 3600}
        assert (profile["sessions"], profile["without_end"]) == (1, 1)
