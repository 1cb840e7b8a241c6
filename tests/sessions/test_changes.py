"""A Book notes which pairs change, for whoever follows, and announces it once until it is taken."""

from winlogd.sessions.book import Book
from winlogd.sessions.changes import Changes
from winlogd.sessions.identifiers import Identifiers
from winlogd.sessions.pair import Decision, OpenSession, Pair, System, host_of, pair_key
from winlogd.sessions.retries import RecentEvents

ALICE, BOB = pair_key("Alice", "PC-05"), pair_key("bob", None)


class Draft:
    """What a batch has decided."""

    def __init__(self, *keys: str) -> None:
        self.pairs = dict.fromkeys(keys, Pair())
        self.stored: dict[int, Decision] = {}
        self.last_id = 7


class Noting:
    """A Book whose changes are noted, and how often they were announced."""

    def __init__(self) -> None:
        self.book = Book(RecentEvents(0.0), Identifiers())
        self.announced = 0
        self.changes = self.book.changes = Changes(self._announce)

    def _announce(self) -> None:
        self.announced += 1


def session(username: str, uuid: str, event_id: int = 1) -> OpenSession:
    return OpenSession(event_id, uuid, "2026-01-13T08:00:00Z", username, "PC-05", None, System(None, None))


def test_the_pairs_of_each_batch_are_noted() -> None:
    noting = Noting()
    noting.book.accept(Draft(ALICE))
    noting.book.accept(Draft(ALICE, BOB))
    assert noting.changes.take() == frozenset((ALICE, BOB))
    assert noting.changes.take() == frozenset()


def test_it_is_announced_once_until_it_is_taken() -> None:
    noting = Noting()
    for _ in range(3):
        noting.book.accept(Draft(ALICE))
    assert noting.announced == 1
    noting.changes.take()
    noting.book.accept(Draft(BOB))
    assert noting.announced == 2


def test_the_end_that_a_rotation_or_another_program_writes_is_noted() -> None:
    noting = Noting()
    noting.book.observe_open(session("Alice", "alice@pc-05@123456"))
    noting.book.close(ALICE, "alice@pc-05@123456")
    assert noting.changes.take() == frozenset((ALICE,))
    noting.book.close_whoever_has("alice@pc-05@123456")
    assert noting.changes.take() == frozenset((ALICE,))


def test_a_logoff_that_ends_the_sessions_of_several_pairs_notes_all() -> None:
    noting = Noting()
    noting.book.observe_open(session("Alice", "shared", 1))
    noting.book.observe_open(session("carol", "shared", 2))
    noting.book.close(ALICE, "shared")
    assert noting.changes.take() == frozenset((ALICE, pair_key("carol", "PC-05")))


def test_a_row_that_another_program_has_removed_is_noted() -> None:
    noting = Noting()
    noting.book.observe_open(session("Alice", "alice@pc-05@123456"))
    noting.book.keep(ALICE, ())
    assert noting.changes.take() == frozenset((ALICE,))


def test_a_session_that_opens_again_is_noted() -> None:
    noting = Noting()
    noting.book.observe_reused(session("Alice", "alice@pc-05@123456"))
    noting.book.reopen("alice@pc-05@123456")
    assert noting.changes.take() == frozenset((ALICE,))


def test_forgotten_names_may_change_any_pair() -> None:
    noting = Noting()
    noting.book.accept(Draft(ALICE))
    noting.changes.note_all()
    assert noting.changes.take() is None
    assert noting.changes.take() == frozenset()


def test_without_a_follower_nothing_is_noted() -> None:
    noting = Noting()
    noting.book.changes = None
    noting.book.accept(Draft(ALICE))
    noting.book.close(ALICE, "alice@pc-05@123456")
    assert (noting.announced, noting.changes.take()) == (0, frozenset())


def test_a_pair_knows_its_host() -> None:
    assert (host_of(ALICE), host_of(BOB)) == ("pc-05", "unknown")
