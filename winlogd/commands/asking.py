"""What the commands that ask questions share: flags, the site, the clock, times in words, and wrong values.

Standard output has the answer and nothing else. All that a person wants to know beside it goes to standard error: what
was understood, the counts, and what to do next. This file must not know any question in particular.
"""

import errno
import os
import shlex
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import tzinfo
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeVar, cast

from winlogd.api.parameters import Values, one_of
from winlogd.api.reading import Asked
from winlogd.commands.database import database_of
from winlogd.commands.flags import Parser
from winlogd.commands.giving_way import give_way
from winlogd.commands.readers_file import note_look
from winlogd.commands.terminal import WrongValuesError, note
from winlogd.config.load import ConfigError, load
from winlogd.config.sections import Config
from winlogd.daemon.site import site_of
from winlogd.http.wire.parameters import ParameterError
from winlogd.sessions.moment_words import in_words
from winlogd.sessions.moments import Moment
from winlogd.sessions.session import US
from winlogd.sessions.spoken import moment_of

if TYPE_CHECKING:  # types only
    from winlogd.store.pauses import Pauses
    from winlogd.store.read.access import Access

T = TypeVar("T")

Form = Literal["table", "json", "csv"]

TIMES: Final = "such as 2026-01-13T10:15, 10:15, yesterday 10:15, monday, or now"
"""How a time can be written on the command line."""

_ARGUMENTS: Final = {"username": "NAME", "q": "WORDS"}
"""Parameters that are no flags."""
_BUILDING: Final = (
    "the archive is still being read ({}): older sessions may be missing in this answer; a running server reads on"
)
_COMPLETE: Final = "complete"


class Seen(NamedTuple):
    """What a command is about to show of people or the past, for the readers' log.

    Attributes:
        kind: the look's name (`access.scopes.RULES`).
        filters: the parameters as they were typed. One that is None is not given.
    """

    kind: str
    filters: Mapping[str, str | None]


class Asking:
    """One command line that asks a question.

    Args:
        command: the command's name.
        words: its words.
        options: its flags.

    Attributes:
        form: how the answer is to be printed.
        language: the language of a CSV's numbers and of what was searched for.
        asked: what the question is about: the site and the clock.

    Raises:
        ConfigError: the configuration has mistakes.
        WrongValuesError: ``--lang`` is wrong.
    """

    def __init__(self, command: str, words: Sequence[str], options: Namespace) -> None:
        self._config: Final = _configuration(options.config)
        self._words: Final = shlex.join([command, *words])
        self.form: Final[Form] = "json" if options.json else "csv" if options.csv else "table"
        self.asked: Final = Asked(site_of(self._config), int(time.time() * US), {})
        values = Values({} if options.lang is None else {"lang": options.lang})
        with self.wrong_values():
            self.language: Final[Literal["en", "fr"]] = values.read("lang", one_of(("en", "fr"))) or "en"
            values.check()

    @property
    def config(self) -> Config:
        """Return the configuration."""
        return self._config

    def values(self, texts: Mapping[str, str | None]) -> Values:
        """Return the values of parameters. Times may be in words. A parameter that is None is not given."""
        return Values({name: text for name, text in texts.items() if text is not None}, self.moment_of)

    def moment_of(self, text: str, now_us: int, zone: tzinfo | None) -> Moment:
        """Return the moment that a text means (`MomentOf`)."""
        periods = {period.name: (period.begins, period.ends) for period in self.asked.site.periods}
        return moment_of(text, now_us, zone, periods, f"must be a time {TIMES}")

    def in_words(self, text: str) -> str:
        """Return in words what was understood of a time that is right, such as ``Thursday 26 November, 10:15``."""
        site, now_us = self.asked.site, self.asked.now_us
        return in_words(self.moment_of(text, now_us, site.zone), now_us, site.zone, "en")

    @contextmanager
    def wrong_values(self) -> Iterator[None]:
        """Report wrong parameters by their flags.

        Raises:
            WrongValuesError: a parameter is wrong.
        """
        try:
            yield
        except ParameterError as error:
            names = {name: _ARGUMENTS.get(name, f"--{name.replace('_', '-')}") for name in error.details}
            faults = [f"{names[name]}: {fault}" for name, fault in error.details.items()]
            raise WrongValuesError(faults) from None

    def ask(
        self,
        question: "Callable[[Access], T]",
        seen: Seen | None,
        is_repeatable: bool = True,
        pauses: "Pauses | None" = None,
    ) -> T:
        """Ask a question, as `reader.answer_to` does. If root asks, the process becomes the database's owner.

        From then on the process gives way to the server (`giving_way`).

        Args:
            question: the question.
            seen: what the answer shows. It is in the readers' log before the question is asked. None if the answer
                shows nobody.
            is_repeatable: see `reader.answer_to`.
            pauses: see `reader.answer_to`.

        Raises:
            FailedError: the database cannot be read, or the readers' log cannot be written.
            WrongValuesError: the database knows no such room.
        """
        if seen is not None:
            filters = " ".join(f"{name}={text}" for name, text in seen.filters.items() if text is not None)
            note_look(self._config, seen.kind, filters, self._words)
        path = database_of(self._config, words=self._words)
        give_way(self._config)
        from winlogd.commands.reader import answer_to  # loads SQLite, for a database that is there

        with self.wrong_values():
            return answer_to(self._config, path, self._words, question, is_repeatable, pauses)

    def ask_object(self, question: "Callable[[Access], object | None]", seen: Seen) -> dict[str, object] | None:
        """Ask a question of the API whose answer is an object; None is no answer."""
        return cast("dict[str, object] | None", self.ask(question, seen))


class QuestionParser(Parser):
    """A parser with the flags of all questions. The arguments are those of `Parser`."""

    def __init__(self, command: str, does: str, example: str) -> None:
        super().__init__(command, does, example)
        self._command = command
        form = self.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="print what the API answers, as JSON")
        form.add_argument("--csv", action="store_true", help="print CSV for a spreadsheet")
        self.add_argument("--lang", metavar="LANG", help="en or fr; --csv --lang fr separates by ; and has a BOM")

    def asking(self, words: Sequence[str]) -> tuple[Asking, Namespace]:
        """Read a command line. Return what the question needs, and the flags.

        Raises:
            ConfigError: the configuration has mistakes.
            HelpAskedError, MisusedError: see `Parser`.
            WrongValuesError: ``--lang`` is wrong.
        """
        options = self.parse_args(words)
        return Asking(self._command, words, options), options


def note_history(history: object) -> None:
    """Say on standard error that a part of the archive is not in an answer yet."""
    if history != _COMPLETE:
        note(_BUILDING.format(history))


def _configuration(file: str | None) -> Config:
    """Return the configuration. If its file is closed to this user, the error says who may read it."""
    try:
        return load(file, os.environ)
    except ConfigError as error:
        denied = os.strerror(errno.EACCES)
        advice = "; run this as the user that winlogd runs as, or as root"
        raise ConfigError(
            tuple(f"{fault}{advice}" if fault.endswith(denied) else fault for fault in error.faults)
        ) from None
