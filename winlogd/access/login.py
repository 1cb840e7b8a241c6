"""Log a browser in and out: by a reader's token, or by a pairing code. Wrong ones are counted.

A right token is never refused, however many wrong ones came before. A code has only 40 random bits. So beyond the
limits a code is not looked at: in its ten minutes nobody finds one. This file must not know pages or forms.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from winlogd.access import cookie
from winlogd.access.failures import Failures
from winlogd.access.outcomes import Browser, LoggedIn, NotLoggedIn, Outcome
from winlogd.access.readers import US, Readers, digest_of
from winlogd.access.register import Register
from winlogd.access.scopes import LIFETIMES_S
from winlogd.log.log import Log
from winlogd.store.access_file.logins import NewLogin, begin_by_code, begin_login, end_login

if TYPE_CHECKING:  # types only
    import apsw

    from winlogd.store.access_file.readers import ReaderRow

    Begin = Callable[[apsw.Connection, NewLogin], ReaderRow | None]

_IGNORED: Final = str.maketrans("", "", " -\t")
"""What people put between the characters of a code."""


_CLOSED: Final = NotLoggedIn("closed")
_WRONG_CODE: Final = NotLoggedIn("code")
Then = Callable[[Outcome], None]


class Login:
    """Logs in and out. All methods are called on the event loop's thread.

    Args:
        register: the readers.
        failures: counts wrong tokens and codes.
        log: gets a line for each login and logout.
    """

    def __init__(self, register: Register, failures: Failures, log: Log) -> None:
        self._register = register
        self._failures = failures
        self._log = log

    def by_token(self, token: str, browser: Browser, then: Then) -> None:
        """Log in by a token, as a person has typed it. `then` gets the outcome when it is on the disk."""
        self._register.look_up(lambda readers: self._with_token(token.strip(), browser, then, readers))

    def by_code(self, code: str, browser: Browser, then: Then) -> None:
        """Log in by a pairing code, as a person has typed it. It is used up by that."""
        wait_s = self._failures.add(
            browser.address, time.monotonic()
        )  # at once: many may come before the first is answered
        if wait_s:
            then(NotLoggedIn("too many", wait_s))
        else:
            digest = digest_of(code.translate(_IGNORED).upper())
            self._register.look_up(lambda readers: self._with_code(digest, browser, then, readers))

    def end(self, secret: str, address: str, then: Callable[[bool], None]) -> None:
        """End the login of a secret, if there is one. Call `then` with False if the file cannot be used."""
        self._register.look_up(lambda readers: self._end(secret, address, then, readers))

    def _with_code(self, digest: bytes, browser: Browser, then: Then, readers: Readers | None) -> None:
        def answered(outcome: Outcome) -> None:
            if outcome != _WRONG_CODE:
                self._failures.take_back(browser.address)
            then(outcome)

        if readers is None:
            answered(_CLOSED)
        elif readers.is_empty:
            answered(_WRONG_CODE)  # and no file is made for a stranger
        else:
            self._begin(lambda connection, new: begin_by_code(connection, digest, new), browser, answered)

    def _with_token(self, token: str, browser: Browser, then: Then, readers: Readers | None) -> None:
        if readers is None:
            then(_CLOSED)
            return
        row = readers.row_of(token, _now_us())
        if row is None:
            wait_s = self._failures.add(browser.address, time.monotonic())
            then(NotLoggedIn("too many", wait_s) if wait_s else NotLoggedIn("token"))
            return
        self._begin(lambda connection, new: begin_login(connection, row, new), browser, then)

    def _begin(self, begin: "Begin", browser: Browser, then: Then) -> None:
        """Write a login to the file."""
        secret = cookie.new_secret()
        replaced = None if browser.secret is None else digest_of(browser.secret)
        new = NewLogin(digest_of(secret), _now_us(), lambda scope: LIFETIMES_S[scope] * US, replaced)

        def answered(row: "ReaderRow | Exception | None") -> None:
            if isinstance(row, Exception):
                then(_CLOSED)
            elif row is None:
                then(_WRONG_CODE)
            else:
                self._log.info("access", "logged in", reader=row.name, address=browser.address)
                then(LoggedIn(secret, row.scope))

        self._register.change(lambda connection: begin(connection, new), answered)

    def _end(self, secret: str, address: str, then: Callable[[bool], None], readers: Readers | None) -> None:
        reader = None if readers is None else readers.holder_of_login(secret, _now_us())
        if reader is None:
            then(readers is not None)
            return
        name = reader.name

        def answered(outcome: Exception | None) -> None:
            if not isinstance(outcome, Exception):
                self._log.info("access", "logged out", reader=name, address=address)
            then(not isinstance(outcome, Exception))

        self._register.change(lambda connection: end_login(connection, digest_of(secret)), answered)


def _now_us() -> int:
    return time.time_ns() // 1000
