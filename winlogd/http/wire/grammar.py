"""The grammar of a request's head as patterns, each with the section of the RFC that defines it.

This file has only patterns: no state, no decisions, no status codes. All patterns work on bytes, and their users call
``fullmatch``. No pattern has a nested repetition, so that no input makes one slow.
"""

import re
from typing import Final

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # RFC 9110 §5.6.2, tchar
_PCHAR: Final = rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"  # RFC 3986 §3.3
_QUERY: Final = rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*"  # RFC 3986 §3.4
_REG_NAME: Final = rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})"  # RFC 3986 §3.2.2
_PATH: Final = rb"(?:/" + _PCHAR + rb"*)+"

REQUEST_LINE: Final = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])")
"""RFC 9112 §3: method SP request-target SP HTTP-version, with exactly one space each."""

ORIGIN_FORM: Final = re.compile(rb"(" + _PATH + rb")(?:\?(" + _QUERY + rb"))?")
"""RFC 9112 §3.2.1: absolute path and optional query."""

ABSOLUTE_FORM: Final = (
    rb"(?i:https?)://(?:\[[0-9A-Fa-f:.]+\]|" + _REG_NAME + rb"+)(?::[0-9]*)?(" + _PATH + rb")?(?:\?(" + _QUERY + rb"))?"
)
"""RFC 9112 §3.2.2 for the http schemes; user information is refused (RFC 9110 §4.2.4).

Its users compile it when a request needs it: that would take 0.2 ms of every start, and hardly any client sends it."""

HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|" + _REG_NAME + rb"*)(?::[0-9]*)?")
"""RFC 9110 §7.2: uri-host and optional port. It is empty if the request's target has no authority."""

FIELD_LINE: Final = re.compile(rb"(" + _TOKEN + rb"):([\t\x20-\x7e\x80-\xff]*)")
"""RFC 9112 §5. A space before the colon does not match; nor does a folded line, which does not begin with a token."""

DIGITS: Final = re.compile(rb"[0-9]+")
"""RFC 9110 §8.6: a Content-Length, without sign, space or underscore."""

KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})
"""RFC 9110 §9.3 and RFC 5789. Any other method is answered 501."""

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""The safe methods that this server answers: they only read (RFC 9110 §9.2.1)."""
