"""Who logs in, and what comes of it: values without a rule. This file must not know tokens, codes or pages."""

from typing import Literal, NamedTuple


class Browser(NamedTuple):
    """The browser that logs in.

    Attributes:
        address: the client's address.
        secret: the one in its cookie so far; None if it has none. A new login ends that login.
    """

    address: str
    secret: str | None


class LoggedIn(NamedTuple):
    """A new login.

    Attributes:
        secret: to be kept in the browser's cookie.
        scope: what the reader may read.
    """

    secret: str
    scope: str


class NotLoggedIn(NamedTuple):
    """Why there is no login.

    Attributes:
        why: the token or the code is wrong; there were too many wrong ones; or the file cannot be used.
        wait_s: after this time the next wrong one is answered as such. 0 if `why` is not ``too many``.
    """

    why: Literal["token", "code", "too many", "closed"]
    wait_s: float = 0.0


Outcome = LoggedIn | NotLoggedIn
"""What comes of an attempt to log in."""
