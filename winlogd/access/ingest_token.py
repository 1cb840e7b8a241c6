"""Find the token in an event's head. Loaded only with `security.ingest_token`, because hmac loads hashlib.

A token is compared once for all requests with the same head. This file must not know what an event holds.
"""

from hmac import compare_digest

from winlogd.http.wire.message import Head


class Token:
    """A secret that a request's head must carry.

    It stands in ``Authorization: Bearer <token>``, or at the end of the User-Agent: ``Winlog/0.1.0 <token>``. The
    second place is for clients in which an administrator can set nothing but the User-Agent.

    Args:
        token: visible ASCII without spaces.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode("ascii")

    def is_in(self, head: Head) -> bool:
        """Return True if `head` carries the token.

        The time that this takes does not depend on how much of a guess is right.
        """
        scheme, _, credentials = (head.get("authorization") or "").partition(" ")
        if scheme.lower() == "bearer" and self._is(credentials.strip(" ")):  # RFC 6750 section 2.1, RFC 9110 section 11
            return True
        return self._is((head.get("user-agent") or "").rpartition(" ")[2])

    def _is(self, text: str) -> bool:
        return compare_digest(text.encode("latin-1"), self._token)  # header fields are read as Latin-1
