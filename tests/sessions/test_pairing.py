import pytest

from winlogd.events.event import Event
from winlogd.sessions.book import Book
from winlogd.sessions.identifiers import Identifiers
from winlogd.sessions.pair import Decision, OpenSession, PairKey, System, pair_key
from winlogd.sessions.pairing import Draft
from winlogd.sessions.retries import RecentEvents


def event(action: str, time: str, username: str = "alice", hostname: str | None = "A102-07") -> Event:
    return Event(username, action, f"2026-01-13T{time}Z", hostname, "Windows", "11", "26100", None)


def nothing_to_read(event_id: int, key: PairKey, action: str, timestamp: str) -> Decision | None:
    raise AssertionError("no row should have been read")


@pytest.fixture
def book() -> Book:
    """Return the Book of an empty database."""
    return Book(RecentEvents(0.0), Identifiers())


def commit(book: Book, *events: Event) -> list[Decision]:
    """Decide events as one batch, and commit it."""
    draft = Draft(book, nothing_to_read, 1)
    decisions = [draft.decide(event, "192.0.2.1") for event in events]
    book.accept(draft)
    return decisions


def test_a_logon_opens_a_session_and_the_logoff_gets_its_identifier(book: Book) -> None:
    [logon] = commit(book, event("C", "08:00:00"))
    assert [session.session_uuid for session in book.open_sessions()] == [logon.session_uuid]

    [logoff] = commit(book, event("D", "09:00:00"))

    assert (logon.event_id, logoff.event_id) == (1, 2)
    assert logoff.session_uuid == logon.session_uuid
    assert list(book.open_sessions()) == []


def test_an_open_session_shows_what_its_logon_said(book: Book) -> None:
    [logon] = commit(book, event("C", "08:00:00", hostname=None))

    assert list(book.open_sessions()) == [
        OpenSession(1, logon.session_uuid, "2026-01-13T08:00:00Z", "alice", None, "192.0.2.1", System("Windows", "11"))
    ]
    assert logon.session_uuid.startswith("alice@unknown@")


def test_a_new_logon_closes_the_open_session_one_second_before(book: Book) -> None:
    [first] = commit(book, event("C", "08:00:00"))

    [second] = commit(book, event("C", "09:00:00.250"))

    [closed] = second.closed
    assert closed.session.session_uuid == first.session_uuid
    assert closed.timestamp == "2026-01-13T08:59:59.25+00:00"
    assert (closed.event_id, second.event_id) == (2, 3)
    assert [session.session_uuid for session in book.open_sessions()] == [second.session_uuid]


def test_a_session_is_not_closed_before_it_began(book: Book) -> None:
    commit(book, event("C", "10:00:00"))

    [earlier] = commit(book, event("C", "09:00:00"))

    assert [closed.timestamp for closed in earlier.closed] == ["2026-01-13T10:00:00+00:00"]


def test_sessions_of_another_user_or_host_are_left_alone(book: Book) -> None:
    decisions = commit(
        book,
        event("C", "08:00:00"),
        event("C", "08:00:00", username="bob"),
        event("C", "08:00:00", hostname="A102-08"),
        event("C", "08:00:00", username="DOM\\alice"),
        event("C", "08:00:00", hostname=None),
    )

    assert all(decision.closed == () for decision in decisions)
    assert len(list(book.open_sessions())) == 5


def test_a_logoff_without_a_session_is_an_orphan(book: Book) -> None:
    [logoff] = commit(book, event("D", "09:00:00"))

    assert logoff.session_uuid.startswith("orphan_alice@A102-07@")


def test_inventory_belongs_to_no_session(book: Book) -> None:
    logon, inventory, logoff = commit(book, event("C", "08:00:00"), event("M", "08:30:00"), event("D", "09:00:00"))

    assert inventory.session_uuid.startswith("hardware_alice@A102-07@")
    assert logoff.session_uuid == logon.session_uuid


def test_a_logoff_that_claims_to_be_earlier_still_closes(book: Book) -> None:
    logon, logoff = commit(book, event("C", "08:00:00"), event("D", "07:00:00"))

    assert logoff.session_uuid == logon.session_uuid
    assert list(book.open_sessions()) == []


def test_of_several_open_sessions_a_logoff_takes_the_one_with_the_latest_instant(book: Book) -> None:
    # An older server may have left these. The first text is greater, but its instant is not.
    for number, connected_at in enumerate(
        ["2026-01-13T10:30:00+02:00", "2026-01-13T09:00:00Z", "2026-01-13T08:59:59.9Z", "2026-01-13T09:00:00.000Z"]
    ):
        book.observe_open(OpenSession(number, f"s{number}", connected_at, "alice", "A102-07", None, System(None, None)))
    book.last_id = 10

    logoffs = commit(book, *(event("D", f"12:00:0{number}") for number in range(5)))

    assert [logoff.session_uuid for logoff in logoffs[:4]] == ["s3", "s1", "s2", "s0"]
    assert logoffs[4].session_uuid.startswith("orphan_")


def test_a_new_logon_closes_every_open_session_of_the_pair(book: Book) -> None:
    for number in range(3):
        book.observe_open(
            OpenSession(number, f"s{number}", f"2026-01-1{number}T08:00:00Z", "alice", "", None, System(None, None))
        )
    book.last_id = 10

    [logon] = commit(book, event("C", "09:00:00", hostname=None))

    assert [closed.session.session_uuid for closed in logon.closed] == ["s0", "s1", "s2"]
    assert [closed.event_id for closed in logon.closed] == [11, 12, 13]
    assert logon.event_id == 14


@pytest.mark.parametrize("action", ["C", "D", "M"])
def test_the_same_event_again_gets_the_first_answer(book: Book, action: str) -> None:
    [first] = commit(book, event(action, "08:00:00"))

    [again] = commit(book, event(action, "08:00:00"))

    assert again == Decision(first.timestamp, first.event_id, first.session_uuid, True)
    assert book.last_id == 1


def test_the_same_event_twice_in_a_batch_is_stored_once(book: Book) -> None:
    first, again = commit(book, event("C", "08:00:00"), event("C", "08:00:00"))

    assert again == Decision(first.timestamp, first.event_id, first.session_uuid, True)


def test_a_logon_repeated_after_the_next_logon_of_a_batch_does_no_harm(book: Book) -> None:
    first, second, again = commit(book, event("C", "08:00:00"), event("C", "09:00:00"), event("C", "08:00:00"))

    assert again == Decision(first.timestamp, first.event_id, first.session_uuid, True)
    assert [session.session_uuid for session in book.open_sessions()] == [second.session_uuid]


def test_a_recent_event_is_a_retry_when_its_row_says_so(book: Book) -> None:
    first, second = commit(book, event("C", "08:00:00"), event("C", "09:00:00"))
    stored = Decision("2026-01-13T08:00:00Z", first.event_id, first.session_uuid)

    found = Draft(book, lambda *_: stored, 1).decide(event("C", "08:00:00"), "")
    gone = Draft(book, lambda *_: None, 1).decide(event("C", "08:00:00"), "")

    assert found == Decision(first.timestamp, first.event_id, first.session_uuid, True)
    assert not gone.is_retry
    assert [closed.session.session_uuid for closed in gone.closed] == [second.session_uuid]


@pytest.mark.parametrize(
    "other",
    [
        event("D", "08:00:00"),
        event("C", "08:00:00.0"),
        event("C", "08:00:00", username="bob"),
        event("C", "08:00:00", hostname="A102-08"),
    ],
)
def test_an_event_that_differs_is_no_retry(book: Book, other: Event) -> None:
    commit(book, event("C", "08:00:00"))

    assert not commit(book, other)[0].is_retry


def test_a_logoff_that_comes_before_the_logon_of_its_moment_is_searched_for_nowhere() -> None:
    class Unsearched(RecentEvents):
        def find(self, fingerprint: int) -> list[int]:
            raise AssertionError("a search for what cannot have come before")

    book = Book(Unsearched(0.0), Identifiers())

    commit(book, event("C", "08:00:01"), event("D", "08:00:00"), event("M", "07:59:00"))
    decisions = commit(book, event("D", "08:00:01"), event("M", "07:59:01"), event("C", "08:00:02"))
    assert not any(decision.is_retry for decision in decisions)


def test_what_differs_in_os_alone_is_a_retry(book: Book) -> None:
    commit(book, event("C", "08:00:00"))

    assert commit(book, event("C", "08:00:00").replaced(os_name=None))[0].is_retry


def test_a_batch_that_is_thrown_away_leaves_no_trace(book: Book) -> None:
    commit(book, event("C", "08:00:00"))
    pairs, last_id = dict(book.pairs), book.last_id

    draft = Draft(book, nothing_to_read, 1)
    for later in (event("C", "09:00:00"), event("D", "10:00:00"), event("M", "10:00:00", username="bob")):
        draft.decide(later, "")

    assert (book.pairs, book.last_id) == (pairs, last_id)
    assert not commit(book, event("C", "09:00:00"))[0].is_retry


def test_what_another_program_closed_or_removed_is_forgotten(book: Book) -> None:
    alice, bob = commit(book, event("C", "08:00:00"), event("C", "08:00:00", username="bob"))

    book.close_whoever_has(alice.session_uuid)
    assert [session.username for session in book.open_sessions()] == ["bob"]
    assert commit(book, event("C", "08:00:00"))[0].event_id == alice.event_id

    for username in ("alice", "bob"):
        book.keep(pair_key(username, "A102-07"), {bob.event_id})
    assert [session.username for session in book.open_sessions()] == ["bob"]
    assert book.pairs[pair_key("alice", "A102-07")].connection.stored is None
    assert book.pairs[pair_key("bob", "A102-07")].connection.stored is not None
    assert not Draft(book, lambda *_: None, 1).decide(event("C", "08:00:00"), "").is_retry


def test_an_earlier_event_is_still_looked_for_when_the_latest_row_is_gone(book: Book) -> None:
    first, _ = commit(book, event("C", "08:00:00"), event("C", "09:00:00"))
    book.keep(pair_key("alice", "A102-07"), {first.event_id})
    stored = Decision("2026-01-13T08:00:00Z", first.event_id, first.session_uuid)

    assert Draft(book, lambda *_: stored, 1).decide(event("C", "08:00:00"), "").event_id == first.event_id


def test_an_event_may_be_repeated_although_it_is_not_the_pairs_latest_by_its_clock(book: Book) -> None:
    later, earlier, again = commit(book, event("M", "09:00:00"), event("M", "08:00:00"), event("M", "09:00:00"))

    assert (again.is_retry, again.event_id) == (True, later.event_id)
    assert earlier.event_id != later.event_id


def test_when_the_map_of_identifiers_is_worn_a_new_one_keeps_those_of_open_sessions(book: Book) -> None:
    logons = (event("C", f"08:00:0{number}", username=f"user{number}") for number in range(3))
    ended, *still_open = commit(book, *logons)
    commit(book, event("D", "09:00:00", username="user0"))
    book.identifiers._marked = 16**6  # to use them all up would take seconds

    [newest] = commit(book, event("C", "09:00:00", username="bob"))

    assert not book.identifiers.is_worn
    for decision in (*still_open, newest):
        assert not book.identifiers._mark(int(decision.session_uuid[-6:], 16))
    assert book.identifiers._mark(int(ended.session_uuid[-6:], 16))


def test_an_empty_hostname_counts_as_none() -> None:
    assert pair_key("alice", "") == pair_key("alice", None) == pair_key("alice", "unknown")


# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────

SPELLINGS = [("ALICE", "a102-07"), ("alice", "A102-07."), ("Alice", "A102-07")]


@pytest.mark.parametrize(("username", "hostname"), SPELLINGS)
def test_letter_case_and_a_trailing_dot_part_nobody(book: Book, username: str, hostname: str) -> None:
    [logon] = commit(book, event("C", "08:00:00"))

    [again] = commit(book, event("C", "08:00:00", username, hostname))
    [logoff] = commit(book, event("D", "09:00:00", username, hostname))

    assert (again.is_retry, again.event_id, again.session_uuid) == (True, logon.event_id, logon.session_uuid)
    assert logoff.session_uuid == logon.session_uuid
    assert list(book.open_sessions()) == []


def test_letters_beyond_ascii_fold_too(book: Book) -> None:
    [logon] = commit(book, event("C", "08:00:00", "\u00c9LISE", "SALLE-\u00c9"))

    [logoff] = commit(book, event("D", "09:00:00", "e\u0301lise", "salle-\u00e9."))

    assert logoff.session_uuid == logon.session_uuid


def test_the_key_of_a_pair_is_the_same_for_every_spelling_and_every_way_to_tell_no_host() -> None:
    assert {pair_key(*names) for names in SPELLINGS} == {pair_key("alice", "A102-07")}
    assert pair_key("alice", "Unknown") == pair_key("alice", ".") == pair_key("alice", None)
    assert pair_key("DOM\\alice", "A") != pair_key("alice", "A")
    assert pair_key("alice", "A") != pair_key("aliceA", None) != pair_key("a", "liceA")


@pytest.mark.parametrize("hostname", ["A102-07.", ".", "Unknown", "É", "é."])
def test_an_event_is_found_under_the_key_of_its_pair(book: Book, hostname: str) -> None:
    commit(book, event("C", "08:00:00", "Alice", hostname))

    assert list(book.pairs) == [pair_key("alice", hostname)]


def test_an_identifier_shows_names_as_they_came(book: Book) -> None:
    logon, logoff, orphan = commit(
        book,
        event("C", "08:00:00", "Alice", "PC-05."),
        event("D", "09:00:00", "alice", "pc-05"),
        event("D", "10:00:00", "ALICE", "Pc-05"),
    )

    assert logon.session_uuid.startswith("Alice@PC-05.@")
    assert logoff.session_uuid == logon.session_uuid
    assert orphan.session_uuid.startswith("orphan_ALICE@Pc-05@")


# ── whole seconds ─────────────────────────────────────────────────────────────────────────────────────────


class Rows:
    """Reads committed events back as the database does."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._rows: dict[int, tuple[PairKey, str, Decision]] = {}

    def read(self, event_id: int, key: PairKey, action: str, timestamp: str) -> Decision | None:
        stored_key, stored_action, stored = self._rows.get(event_id, (key, "", Decision("", 0, "")))
        return stored if (stored_key, stored_action, stored.timestamp) == (key, action, timestamp) else None

    def commit(self, *events: Event) -> list[Decision]:
        draft = Draft(self._book, self.read, 1)
        decisions = [draft.decide(event, "192.0.2.1") for event in events]
        self._book.accept(draft)
        for each, decision in zip(events, decisions, strict=True):
            if not decision.is_retry:
                self._rows[decision.event_id] = (pair_key(each.username, each.hostname), each.action, decision)
        return decisions


@pytest.fixture
def rows(book: Book) -> Rows:
    return Rows(book)


@pytest.mark.parametrize("events_a_batch", [1, 2, 6])
@pytest.mark.parametrize("actions", ["CDCDCD", "DCDCDC"])
def test_who_logs_on_and_off_within_one_whole_second_is_no_retry(
    book: Book, rows: Rows, actions: str, events_a_batch: int
) -> None:
    events = [event(action, "08:00:00") for action in actions]

    decisions = [
        decision
        for at in range(0, len(events), events_a_batch)
        for decision in rows.commit(*events[at : at + events_a_batch])
    ]

    assert [decision.event_id for decision in decisions] == [1, 2, 3, 4, 5, 6]
    assert not any(decision.is_retry or decision.closed for decision in decisions)
    uuids = [decision.session_uuid for decision in decisions]
    first_logon = actions.index("C")
    assert all(uuids[at] == uuids[at + 1] for at in range(first_logon, 5, 2))
    assert len(set(uuids)) == 3 + first_logon


@pytest.mark.parametrize("one_by_one", [True, False])
def test_of_several_like_it_a_retry_is_one_of_the_latest(book: Book, rows: Rows, one_by_one: bool) -> None:
    events = [event(action, "08:00:00") for action in "CDCDD"]

    decisions = [rows.commit(each)[0] for each in events] if one_by_one else rows.commit(*events)

    logoff, again = decisions[3:]
    assert again == Decision(logoff.timestamp, 4, logoff.session_uuid, True)
    later, repeated, also = [rows.commit(event(action, time))[0] for action, time in
                             (("D", "08:00:01"), ("D", "08:00:00"), ("D", "08:00:01"))]  # fmt: skip
    assert (later.is_retry, later.event_id) == (False, 5)
    assert (repeated.is_retry, repeated.event_id, repeated.session_uuid) == (True, 4, logoff.session_uuid)
    assert (also.is_retry, also.event_id) == (True, 5)


def test_an_opposite_action_ends_retries_though_others_came_after_it(book: Book, rows: Rows) -> None:
    rows.commit(event("C", "08:00:00"), event("D", "08:00:00"))
    rows.commit(event("D", "08:00:01"), event("M", "08:00:02"))
    book.recent.turn(1000.0)  # ten minutes have passed

    [again] = rows.commit(event("C", "08:00:00"))

    assert not again.is_retry


@pytest.mark.parametrize("fraction", [".5", ".000"])
def test_with_a_fraction_it_is_a_retry(book: Book, rows: Rows, fraction: str) -> None:
    first, logoff, again = rows.commit(*(event(action, f"08:00:00{fraction}") for action in "CDC"))

    assert (again.is_retry, again.event_id) == (True, first.event_id)
    assert rows.commit(event("D", f"08:00:00{fraction}"))[0].event_id == logoff.event_id


@pytest.mark.parametrize(
    "between",
    [
        event("D", "08:00:01"),
        event("D", "08:00:00.0"),
        event("M", "08:00:00"),
        event("D", "08:00:00", username="bob"),
        event("D", "08:00:00", hostname="A102-08"),
    ],
)
def test_what_is_not_its_opposite_ends_no_retries(book: Book, rows: Rows, between: Event) -> None:
    [first] = rows.commit(event("C", "08:00:00"))

    _, again = rows.commit(between, event("C", "08:00:00"))

    assert (again.is_retry, again.event_id) == (True, first.event_id)


def test_a_logoff_that_winlogd_adds_ends_no_retries(book: Book, rows: Rows) -> None:
    first, second = rows.commit(event("C", "08:00:00"), event("C", "08:00:01"))
    assert second.closed[0].timestamp == "2026-01-13T08:00:00+00:00"

    [again] = rows.commit(event("C", "08:00:00"))

    assert (again.is_retry, again.event_id) == (True, first.event_id)


def test_inventory_is_a_retry_whatever_came_between(book: Book, rows: Rows) -> None:
    first, *_, again = rows.commit(*(event(action, "08:00:00") for action in "MCDM"))

    assert (again.is_retry, again.event_id) == (True, first.event_id)


def test_ids_that_are_remembered_stay_in_order_when_the_same_is_stored_twice_in_a_batch(book: Book, rows: Rows) -> None:
    rows.commit(*(event(action, "08:00:00") for action in "CDC"))

    assert book.recent.reaches(2)
    assert not book.recent.reaches(1)  # the first logon: the equal one came later


# ── identifiers that several sessions share ───────────────────────────────────────────────────────────────


def copied(number: int, session_uuid: str, username: str = "alice", hostname: str | None = "A102-07") -> OpenSession:
    connected_at = f"2026-01-13T07:00:{number:02d}Z"
    return OpenSession(number, session_uuid, connected_at, username, hostname, None, System(None, None))


def test_one_logoff_closes_all_sessions_of_its_pair_that_share_the_identifier(book: Book) -> None:
    for number, session_uuid in enumerate(["s1", "s2", "s1"], 1):
        book.observe_open(copied(number, session_uuid))
    book.last_id = 10

    logoff, other, orphan = commit(book, *(event("D", f"12:00:0{number}") for number in range(3)))

    assert (logoff.session_uuid, other.session_uuid) == ("s1", "s2")
    assert orphan.session_uuid.startswith("orphan_")


def test_a_logon_closes_sessions_that_share_an_identifier_by_one_logoff(book: Book) -> None:
    for number, session_uuid in enumerate(["s1", "s2", "s1"], 1):
        book.observe_open(copied(number, session_uuid))
    book.last_id = 10

    [logon] = commit(book, event("C", "07:00:02"))

    assert sorted((closed.session.session_uuid, closed.timestamp) for closed in logon.closed) == [
        ("s1", "2026-01-13T07:00:03+00:00"),  # not before the later of the two
        ("s2", "2026-01-13T07:00:02+00:00"),
    ]
    assert (sorted(closed.event_id for closed in logon.closed), logon.event_id) == ([11, 12], 13)


@pytest.mark.parametrize("who", ["alice", "bob"])
@pytest.mark.parametrize("action", ["C", "D"])
@pytest.mark.parametrize("copies", [[("bob", "A102-07")], [("bob", None), ("alice", "B"), ("bob", "A102-07")]])
def test_a_logoff_closes_sessions_of_other_pairs_that_share_its_identifier(
    book: Book, action: str, who: str, copies: list[tuple[str, str | None]]
) -> None:
    [logon] = commit(book, event("C", "08:00:00"))
    for number, (username, hostname) in enumerate(copies, 2):
        book.observe_open(copied(number, logon.session_uuid, username, hostname))
        book.last_id = number

    [decision] = commit(book, event(action, "09:00:00", who))

    opened = {decision.session_uuid} if action == "C" else set()
    assert {session.session_uuid for session in book.open_sessions()} == opened


@pytest.mark.parametrize("username", ["alice@school", "@", "a@b@c"])
def test_names_that_hold_an_at_sign_share_nothing_by_themselves(book: Book, username: str) -> None:
    [logon] = commit(book, event("C", "08:00:00", username))
    loaded = Book(RecentEvents(0.0), Identifiers())
    loaded.observe_open(copied(1, logon.session_uuid, username))
    assert loaded.shared == {}

    loaded.observe_open(copied(2, logon.session_uuid, "bob"))
    loaded.last_id = 2
    commit(loaded, event("D", "09:00:00", username))

    assert list(loaded.open_sessions()) == []


def test_a_batch_that_is_thrown_away_closes_nothing_elsewhere(book: Book) -> None:
    for number, username in enumerate(["alice", "bob"], 1):
        book.observe_open(copied(number, "s1", username))
    book.last_id = 2

    Draft(book, nothing_to_read, 1).decide(event("D", "09:00:00"), "")

    assert len(list(book.open_sessions())) == 2
