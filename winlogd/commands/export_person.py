"""Write all that winlogd keeps of one person to a file, and nothing of another: sessions, reports, and who has looked.

Rows are read page by page and kept nowhere. This file must not know the command line's checks, or how a form writes.
"""

from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Final

from winlogd.api.parameters import MOST
from winlogd.api.reading import Listing, Row
from winlogd.api.session_fields import local_text
from winlogd.commands.asking import Asking, note_history
from winlogd.commands.export_forms import PERSON_FORMS
from winlogd.commands.export_output import Output
from winlogd.commands.export_rows import Exported, exported_of, listing_of
from winlogd.commands.person_accounts import Accounts
from winlogd.commands.person_file import About, PersonForm
from winlogd.commands.person_looks import looks_at
from winlogd.commands.person_words import Kind
from winlogd.commands.terminal import ProgressLine, warn
from winlogd.events.names import folded

if TYPE_CHECKING:  # types only
    from winlogd.store.past.mentions import Mentions
    from winlogd.store.read.access import Access

_MOST_NAMED: Final = 10
"""The warning names at most so many accounts. The file has all."""
_SECONDS: Final = 19
_NOBODY: Final = "no event has the name {}; perhaps it is written in another way; the file says that nothing is stored"
_SEVERAL: Final = (
    "these are several accounts: {}. If one of them is another person's, remove the file, and export one account"
    " alone with --exact, or a span with --from and --to"
)


class PersonExport:
    """The export of one person.

    Args:
        asking: the command line.
        options: its flags.
        texts: the filters: ``user``, and perhaps ``from`` and ``to``.

    Raises:
        WrongValuesError: a filter is wrong.
    """

    def __init__(self, asking: Asking, options: Namespace, texts: Mapping[str, str]) -> None:
        self._asking: Final = asking
        self._options: Final = options
        self._texts: Final = texts
        self._line: Final = ProgressLine()
        self._counts: Final[Counter[str]] = Counter()
        self._accounts: Final = Accounts()
        self._lists: Final[tuple[tuple[Kind, Listing], ...]] = (
            ("sessions", listing_of(asking, False, texts)),
            ("events", listing_of(asking, True, texts)),
        )
        self._exact: Final = folded(texts["user"]) if options.exact else None
        self._is_known = False

    def is_known(self) -> bool:
        """Return True if the file is written and an event has the name."""
        return self._is_known

    def write(self, output: Output) -> Exported:
        """Write the file to `output`. Warn if it has several accounts. Return what is in it.

        Raises:
            FailedError: the database or the readers' log cannot be read, or `output` cannot be written.
            OutputFailedError: standard output cannot be written.
        """
        try:
            find = partial(self._write_rows, output=output)
            form, exported = self._asking.ask(find, None, is_repeatable=False)  # the row is written already
            self._write_looks(form, output)
        finally:
            self._line.clear()
        form.begin_section("names")
        form.add(self._accounts.rows(self._zone))
        form.end()
        note_history(exported.history)
        if not self._is_known:
            warn(_NOBODY.format(self._texts["user"]))
        if self._accounts.are_several:
            names = self._accounts.names
            warn(_SEVERAL.format(", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")))
        return exported._replace(rows=self._counts.total(), counts=self._counts)

    def _write_rows(self, access: "Access", output: Output) -> tuple[PersonForm, Exported]:
        """Write what is in the database."""
        others = self._names_of_others(access)
        exported = exported_of(access, self._asking, self._counts)
        form = PERSON_FORMS[self._options.format](self._about(exported, output), output.write)
        form.begin()
        for kind, listing in self._lists:
            form.begin_section(kind)
            for rows in _pages(access, listing):
                mine = [row for row in rows if self._exact in (None, folded(str(row["username"])))]
                self._accounts.note(kind, mine)
                self._add(form, kind, [_without(others, row) for row in mine], output)
        return form, exported

    def _names_of_others(self, access: "Access") -> "Mentions[str | None]":
        from winlogd.store.past.hiding import others_than
        from winlogd.store.read.identities import Wanted, user_names

        wanted = Wanted(folded(self._texts["user"]), self._options.exact, None, None)
        with access.snapshot() as connection:
            names = user_names(connection)
        mine = set(filter(wanted.means, names))
        self._is_known = bool(mine)
        return others_than(mine, names)

    def _write_looks(self, form: PersonForm, output: Output) -> None:
        """Write who has looked, from the readers' log."""
        form.begin_section("looks")
        names = {self._texts["user"], *self._accounts.names}
        for looks in looks_at(self._asking.config, names, *self._span()):
            rows: list[Row] = [
                {
                    "looked_at": local_text(look.at_us, self._zone),
                    "reader": look.number,
                    "role": look.role,
                    "look": look.kind,
                }
                for look in looks
            ]
            self._add(form, "looks", rows, output)

    def _add(self, form: PersonForm, kind: Kind, rows: Sequence[Row], output: Output) -> None:
        form.add(rows)
        self._counts[kind] += len(rows)
        if not output.is_terminal:  # otherwise the line would stand among the rows
            self._line.show({f"{kind}_written": self._counts[kind]})

    def _about(self, exported: Exported, output: Output) -> About:
        asking, zone = self._asking, self._zone
        first_us, last_us = self._span()
        now = datetime.fromisoformat(str(local_text(asking.asked.now_us, zone)))
        return About(
            name=self._texts["user"],
            is_exact=self._options.exact,
            first=_shown(first_us, zone),
            last=_shown(last_us, zone),
            made_at=str(_shown(asking.asked.now_us, zone)),
            zone=asking.config.server.timezone or str(now.tzname()),
            kept_days=exported.kept_days,
            looks_kept_days=asking.config.privacy.audit_days,
            history=exported.history,
            language=asking.language,
            is_raw=self._options.raw,
            is_terminal=output.is_terminal,
        )

    def _span(self) -> tuple[int | None, int | None]:
        """Return the first and the last moment of the file, in microseconds since 1970."""
        texts, asked = self._texts, self._asking.asked
        moments = {
            name: self._asking.moment_of(texts[name], asked.now_us, asked.site.zone)
            for name in ("from", "to")
            if name in texts
        }
        first, last = moments.get("from"), moments.get("to")
        return None if first is None else first.first_us, None if last is None else last.last_us

    @property
    def _zone(self) -> tzinfo | None:
        return self._asking.asked.site.zone


def _without(others: "Mentions[str | None]", row: Row) -> Row:
    """Return a row without the names of others in its report of hardware."""
    report = row.get("hardware_info")
    if report is None:
        return row
    return {**row, "hardware_info": others.replaced(str(report), lambda new: new)}


def _pages(access: "Access", listing: Listing) -> Iterator[Sequence[Row]]:
    """Yield all rows of a list, page by page."""
    cursor: tuple[int, int] | None = None
    while True:
        rows, cursor = listing.rows(access, cursor, MOST)
        yield rows
        if cursor is None:
            return
        access.begin_question()  # the next program of a pipe may have stopped the last page


def _shown(moment_us: int | None, zone: tzinfo | None) -> str | None:
    """Return a moment to the second, as local time; None for none."""
    text = local_text(moment_us, zone)
    return None if text is None else text[:_SECONDS].replace("T", " ")
