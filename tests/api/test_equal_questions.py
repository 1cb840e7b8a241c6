"""Which requests share an answer if they wait at the same time: those that ask the same and may see the same."""

from collections.abc import Callable
from typing import Any, Final

from winlogd.access.readers import THIS_MACHINE, Reader
from winlogd.access.scopes import ALL, NOW, WALL
from winlogd.api.read_table import endpoints
from winlogd.api.reading import Reading
from winlogd.events.patterns import Pattern
from winlogd.http.wire.message import Head
from winlogd.sessions.doubts import Rules
from winlogd.sessions.rooms import Rooms
from winlogd.store.read.filters import Site

ANNE: Final = Reader("anne", ALL, number=1)
BERT: Final = Reader("bert", ALL, number=2)
DESK: Final = Reader("desk", NOW, number=3)
WALLS: Final = Reader("wall", WALL, number=4)
WALL_OF_A: Final = Reader("wall of A", WALL, Pattern("A*"), 5)
WALL_OF_A_TOO: Final = Reader("another wall of A", WALL, Pattern("a*"), 6)


class Noting:
    """A reader of the database that notes what questions have in common, and answers none."""

    def __init__(self) -> None:
        self.same: list[Any] = []

    def ask(
        self,
        who: str,
        question: Callable[[Any], Any],
        answered: Callable[[Any], None],
        same: object = None,
        waits: object = None,
    ) -> None:
        self.same.append(same)


def are_equal(*asked: tuple[Reader, str, str]) -> bool:
    """Return True if some requests, each a reader, a path and a query, share an answer."""
    noting: Any = Noting()
    nothing: Any = None
    site = Site(Rooms({}), Rules(1, 1), None)
    known = endpoints(Reading(nothing, noting, noting, lambda: site))
    for reader, path, query in asked:
        known[path](Head("GET", path, query, 1, (), 0, True, False))(nothing, b"", reader)
    assert len(noting.same) == len(asked)
    assert None not in noting.same
    return len(set(noting.same)) == 1


def test_readers_who_may_see_the_same_share_the_answer_to_the_same_question() -> None:
    assert are_equal((ANNE, "/api/v1/rooms", ""), (BERT, "/api/v1/rooms", ""), (THIS_MACHINE, "/api/v1/rooms", ""))
    assert are_equal((ANNE, "/api/v1/sessions", "state=open"), (BERT, "/api/v1/sessions", "state=open"))
    assert are_equal((WALL_OF_A, "/api/v1/rooms", ""), (WALL_OF_A_TOO, "/api/v1/rooms", ""))


def test_readers_of_different_scopes_share_no_answer() -> None:
    assert not are_equal((ANNE, "/api/v1/machines", ""), (DESK, "/api/v1/machines", ""))


def test_walls_of_different_rooms_share_no_answer() -> None:
    assert not are_equal((WALLS, "/api/v1/rooms", ""), (WALL_OF_A, "/api/v1/rooms", ""))


def test_different_questions_share_no_answer() -> None:
    assert not are_equal((ANNE, "/api/v1/machines", ""), (ANNE, "/api/v1/rooms", ""))
    assert not are_equal((ANNE, "/api/v1/sessions", ""), (ANNE, "/api/v1/sessions", "limit=5"))
    assert not are_equal((ANNE, "/api/v1/sessions", "cursor=1-5"), (ANNE, "/api/v1/sessions", "cursor=1-6"))
