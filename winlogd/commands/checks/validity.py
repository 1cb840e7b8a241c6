"""Read from when until when a certificate is valid. Python's `ssl` tells it only of certificates that it has verified.

This file knows as much of DER (X.690) and of certificates (RFC 5280 §4.1) as it needs. It must not know files.
"""

import re
import ssl
from datetime import UTC, datetime
from typing import Final, NamedTuple

_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION: Final = 0xA0
"""The tag of the first field of a certificate. A certificate of version 1 has none."""
_UTC_TIME: Final = 0x17
_LONG: Final = 0x80
_BEFORE_VALIDITY: Final = 3
"""Between the version and the validity are the serial number, the algorithm, and the issuer."""


class Validity(NamedTuple):
    """When a certificate is valid."""

    begins: datetime
    ends: datetime


class _Field(NamedTuple):
    """A value of DER: its tag, and where its content begins and ends."""

    tag: int
    begin: int
    end: int


def validities(pem: str) -> list[Validity]:
    """Return the validity of each certificate in a file of PEM, in their order.

    Raises:
        ValueError: a certificate cannot be read.
    """
    try:
        return [_validity(ssl.PEM_cert_to_DER_cert(match[0])) for match in _PEM.finditer(pem)]
    except IndexError:
        raise ValueError("a certificate ends too early") from None


def _validity(der: bytes) -> Validity:
    certificate = _field(der, 0)
    field = _field(der, _field(der, certificate.begin).begin)
    if field.tag == _VERSION:
        field = _field(der, field.end)
    for _ in range(_BEFORE_VALIDITY):
        field = _field(der, field.end)
    begins = _field(der, field.begin)
    return Validity(_time(der, begins), _time(der, _field(der, begins.end)))


def _field(der: bytes, at: int) -> _Field:
    """Return the value that begins at a place. DER has definite lengths only (X.690 §10.1)."""
    length, begin = der[at + 1], at + 2
    if length & _LONG:
        begin += length & ~_LONG
        length = int.from_bytes(der[at + 2 : begin], "big")
    return _Field(der[at], begin, begin + length)


def _time(der: bytes, field: _Field) -> datetime:
    """Return a time in one of the two forms of RFC 5280 §4.1.2.5. Both end with Z."""
    text = der[field.begin : field.end].decode("ascii")
    if field.tag == _UTC_TIME:  # two digits of the year: 50 is 1950, 49 is 2049
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
