"""The cookie that names a login: its fields in a request and an answer, and the secret in it.

The server keeps the login, and decides when it ends. The cookie has nothing but a secret of 256 random bits. Pure, but
for the random bits. This file must not know logins.
"""

import os
import string
from typing import Final

from winlogd.http.wire.message import Head

NAME: Final = "winlogd"
SECURE_NAME: Final = f"__Host-{NAME}"
"""The name over HTTPS. A browser accepts it from this very host over HTTPS only (RFC 6265bis §4.1.3.2).

So neither a plain answer nor another host of the domain can set it.
"""

_SECRET_BYTES: Final = 32
_DIGITS: Final = frozenset(string.hexdigits)

Field = tuple[str, str]
"""A header field: its name and its value."""


def new_secret() -> str:
    """Return a secret for a new login."""
    return os.urandom(_SECRET_BYTES).hex()


def secret_in(head: Head, is_secure: bool) -> str | None:
    """Return the secret in a request's cookie; None if there is none.

    Args:
        head: the request.
        is_secure: True if the client has sent it over HTTPS. Then the cookie of plain HTTP does not count.
    """
    wanted = _name(is_secure)
    for field in head.get_all("cookie"):
        for pair in field.split(";"):
            name, _, value = pair.strip(" \t").partition("=")
            if name == wanted:
                return value if len(value) == 2 * _SECRET_BYTES and _DIGITS.issuperset(value) else None
    return None


def setting(secret: str, lifetime_s: int, is_secure: bool) -> Field:
    """Return the field that gives a browser the cookie.

    Args:
        secret: names the login.
        lifetime_s: the browser forgets the cookie after so many seconds.
        is_secure: True if the client has asked over HTTPS.
    """
    return _field(secret, lifetime_s, is_secure)


def clearing(is_secure: bool) -> Field:
    """Return the field that takes the cookie away."""
    return _field("", 0, is_secure)


def _field(value: str, lifetime_s: int, is_secure: bool) -> Field:
    secure = "; Secure" if is_secure else ""
    cookie = f"{_name(is_secure)}={value}; Path=/; Max-Age={lifetime_s}; HttpOnly; SameSite=Lax{secure}"
    return ("Set-Cookie", cookie)


def _name(is_secure: bool) -> str:
    return SECURE_NAME if is_secure else NAME
