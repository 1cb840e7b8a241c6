"""Makes endpoints of questions: reads the parameters, asks the reader, and answers as JSON, CSV or NDJSON.

A question is a function of the parameters, which returns a function of the reader's database. This file must not know
any question in particular.
"""

import asyncio
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

import orjson

from winlogd.access.readers import THIS_MACHINE, ReadEndpoint, ReadHandler
from winlogd.access.readers import Reader as Asker
from winlogd.api.download import Download, Piece
from winlogd.api.parameters import MOST, PageAsked, Values, page_in, values_of
from winlogd.api.questions import ask, invalid
from winlogd.http.exchange import Exchange
from winlogd.http.wire.message import Head
from winlogd.http.wire.parameters import ParameterError
from winlogd.sessions.session import US
from winlogd.store.errors import PastChangedError, QuestionRefusedError
from winlogd.transfer import csv_text, ndjson_text

if TYPE_CHECKING:  # types only
    from winlogd.store.read.access import Access
    from winlogd.store.read.filters import Site
    from winlogd.store.read.reader import Reader

Row = Mapping[str, str | int | float | None]
"""One row of a list, by the names of its fields."""

_CONTENT_TYPES: Final = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}


class Asked(NamedTuple):
    """What a question is about, besides its parameters.

    Attributes:
        site: what is known of the site.
        now_us: the wall clock, in microseconds since 1970.
        path: the parameters in the path, by name.
        asker: who asks.
    """

    site: "Site"
    now_us: int
    path: Mapping[str, str]
    asker: Asker = THIS_MACHINE


class Rows(NamedTuple):
    """Some rows of a list.

    Attributes:
        rows: the rows, in order.
        cursor: where the next rows begin; None after the last.
    """

    rows: Sequence[Row]
    cursor: tuple[int, int] | None


class Listing(Protocol):
    """A question for a list."""

    @property
    def name(self) -> str:
        """Return the name of the list in JSON."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the fields, in order."""

    def rows(self, access: "Access", cursor: tuple[int, int] | None, limit: int) -> Rows:
        """Return at most `limit` rows from `cursor` on; None is the beginning. Called on the reader's thread."""

    def more(self, access: "Access") -> Mapping[str, object]:
        """Return further fields of a page in JSON. Called on the reader's thread."""


class Reading:
    """Makes endpoints.

    Args:
        loop: the event loop.
        reader: answers questions.
        downloads: answers what takes longer, such as CSV and NDJSON, so that it does not hold up the others.
        site: returns what is known of the site.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, reader: "Reader", downloads: "Reader", site: "Callable[[], Site]"
    ) -> None:
        self._loop = loop
        self._reader = reader
        self._downloads = downloads
        self._site = site

    def answering(
        self,
        known: tuple[str, ...],
        question: "Callable[[Values, Asked], Callable[[Access], object | None]]",
        is_long: bool = False,
    ) -> ReadEndpoint:
        """Return an endpoint that answers one JSON object; 404 for None.

        Args:
            known: the names of the parameters.
            question: reads the parameters, and returns the question.
            is_long: True if it may take seconds: then the reader of the downloads answers it.
        """
        reader = self._downloads if is_long else self._reader

        def handler_for(head: Head) -> ReadHandler:
            def answer(exchange: Exchange, body: bytes, asker: Asker) -> None:
                asked = self._asked(head, asker)
                try:
                    values = values_of(head, known)
                    find = question(values, asked)
                    values.check()
                except ParameterError as fault:
                    exchange.respond(invalid(fault))
                    return
                ask(reader, asker.name, exchange, lambda access: _json(_answer_of(access, find)), _same(head, asker))

            return answer

        return handler_for

    def listing(self, known: tuple[str, ...], question: "Callable[[Values, Asked], Listing]") -> ReadEndpoint:
        """Return an endpoint that answers a list: a page of it as JSON, or all of it as CSV or NDJSON.

        Args:
            known: the names of the parameters, with those of the page.
            question: reads the parameters, and returns the list.
        """

        def handler_for(head: Head) -> ReadHandler:
            def answer(exchange: Exchange, body: bytes, asker: Asker) -> None:
                try:
                    values = values_of(head, known)
                    listing, page = question(values, self._asked(head, asker)), page_in(values, head)
                    values.check()
                except ParameterError as fault:
                    exchange.respond(invalid(fault))
                    return
                if page.format == "json":
                    same = _same(head, asker)
                    ask(self._reader, asker.name, exchange, lambda access: _page(access, listing, page), same)
                else:
                    self._download(exchange, listing, page)

            return answer

        return handler_for

    def _asked(self, head: Head, asker: Asker) -> Asked:
        return Asked(self._site(), int(time.time() * US), head.path_parameters, asker)

    def _download(self, exchange: Exchange, listing: Listing, page: PageAsked) -> None:
        written = _Written(listing, page)
        fields = (("Content-Type", _CONTENT_TYPES[page.format]), ("Cache-Control", "no-store"))
        Download(self._loop, self._downloads, exchange, fields, written.piece).start()


def _same(head: Head, asker: Asker) -> Hashable:
    """Return what requests have in common whose answers are equal if they are made at the same moment.

    Of who asks, an answer depends on nothing but what they may see.
    """
    return head.path, head.query, asker.scope, None if asker.rooms is None else asker.rooms.text


def _answer_of(access: "Access", find: "Callable[[Access], object | None]") -> object | None:
    """Return the answer to a question without a cursor. If the past changes meanwhile, the question begins again.

    Raises:
        QuestionRefusedError: the past has changed again.
    """
    try:
        return find(access)
    except PastChangedError:
        access.begin_again()
    try:
        return find(access)
    except PastChangedError:
        raise QuestionRefusedError("the past is being built") from None


class _Written:
    """A list as text, piece by piece. Everything here runs on the reader's thread."""

    def __init__(self, listing: Listing, page: PageAsked) -> None:
        self._listing = listing
        self._page = page
        self._left = page.limit

    def piece(self, access: "Access", after: object | None) -> Piece:
        """Return the next rows as text."""
        cursor = self._page.cursor if after is None else cast("tuple[int, int]", after)
        wanted = MOST if self._left is None else min(self._left, MOST)
        rows, following = self._listing.rows(access, cursor, wanted)
        text = self._text(rows)
        if after is None and self._page.format == "csv":
            text = self._head() + text
        if self._left is not None:
            self._left -= len(rows)
        return Piece(text, None if self._left == 0 else following)

    def _text(self, rows: Sequence[Row]) -> bytes:
        if self._page.format == "ndjson":
            return ndjson_text.lines(rows)
        return csv_text.lines((list(row.values()) for row in rows), self._separator).encode()

    def _head(self) -> bytes:
        mark = csv_text.BYTE_ORDER_MARK if self._page.language == "fr" else ""
        return (mark + csv_text.line(self._listing.columns, self._separator)).encode()

    @property
    def _separator(self) -> str:
        return ";" if self._page.language == "fr" else ","


def _page(access: "Access", listing: Listing, page: PageAsked) -> bytes:
    rows, cursor = listing.rows(access, page.cursor, page.limit or MOST)
    following = None if cursor is None else f"{cursor[0]}-{cursor[1]}"
    return orjson.dumps({listing.name: rows, "next": following, **listing.more(access)})


def _json(answer: object | None) -> bytes | None:
    return None if answer is None else orjson.dumps(answer)
