"""Read the form of the login page, and the path to go to afterwards. Whatever is sent has a defined answer. Pure."""

import re
from typing import Final, NamedTuple

from winlogd.http.wire.message import Head
from winlogd.http.wire.parameters import ParameterError, parse_query

FORM: Final = "application/x-www-form-urlencoded"
_MOST_BYTES: Final = 8_192
"""A form has a token and a path at most."""
_MOST_OF_PATH: Final = 2_000
_LOCAL_PATH: Final = re.compile(r"/(?!/)[!-\[\]-~]*")
"""Visible ASCII without a backslash. Browsers read ``//host`` and ``/\\host`` as another server, and drop a tab."""


class FormError(Exception):
    """A form that cannot be accepted. The text is the name of the sentence for the person (`login_words`).

    Args:
        status: the status of the answer.
        name: the name of the sentence.
    """

    def __init__(self, status: int, name: str) -> None:
        super().__init__(name)
        self.status: Final = status


class Form(NamedTuple):
    """What a person has sent: a token or a code.

    Attributes:
        token: empty if there is a code.
        code: empty if there is a token.
        next: the path to go to afterwards; empty for the start page.
        language: the language of the page; empty if unknown.
    """

    token: str
    code: str
    next: str
    language: str


def form_in(head: Head, body: bytes) -> Form:
    """Return the form that a request has.

    Raises:
        FormError: it has none, or neither a token nor a code, or both.
    """
    if (head.get("content-type") or "").partition(";")[0].strip().lower() != FORM:
        raise FormError(415, "not_a_form")
    if len(body) > _MOST_BYTES:
        raise FormError(413, "not_a_form")
    try:
        values = parse_query(body.decode("ascii"))
    except (UnicodeDecodeError, ParameterError):
        raise FormError(400, "not_a_form") from None
    token, code = values.get("token", "").strip(), values.get("code", "").strip()
    if not token and not code:
        raise FormError(400, "empty")
    if token and code:
        raise FormError(400, "both")
    return Form(token, code, local_path(values.get("next", "")), values.get("lang", ""))


def values_in(query: str) -> dict[str, str]:
    """Return the parameters of a page's address; none if they cannot be read."""
    try:
        return parse_query(query)
    except ParameterError:
        return {}


def local_path(text: str) -> str:
    """Return `text` if it is a path of this server; otherwise nothing, so that a link leads to no other server."""
    return text if len(text) <= _MOST_OF_PATH and _LOCAL_PATH.fullmatch(text) else ""
