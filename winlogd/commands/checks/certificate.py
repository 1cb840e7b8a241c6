"""Check how long the certificate of TLS is valid. Whether it can be loaded at all is a matter of the configuration."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import Finding, fine, unseen
from winlogd.commands.checks.validity import Validity, validities
from winlogd.config.messages import escaped
from winlogd.sessions.session import US

_FAULT_DAYS: Final = 14
_NOTE_DAYS: Final = 30
"""Programs that renew certificates do it about this long before the end."""
_ADVICE: Final = "renew it, then run sudo systemctl reload winlogd"
NO_TLS: Final = "there is no TLS: server.tls_port is 0"


def check(context: Context) -> Iterator[Finding]:
    """Find a certificate that ends soon, has ended, or is not valid yet."""
    server = context.config.server
    if not server.tls_port:
        yield fine(NO_TLS)
        return
    path = server.tls_certificate
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            found = validities(file.read())
    except OSError as error:
        yield unseen(escaped(path), error.strerror or str(error), "run this as root")
        return
    except ValueError as error:
        yield unseen(escaped(path), str(error), "look at it with openssl x509 -in FILE -text")
        return
    if found:
        yield judged(escaped(path), found, datetime.fromtimestamp(context.now_us / US, UTC))


def judged(path: str, found: list[Validity], now: datetime) -> Finding:
    """Judge the certificates of a file: the server's own, and those between it and the root."""
    begins, ends = max(each.begins for each in found), min(each.ends for each in found)
    days = (ends - now).days
    if begins > now:
        meaning = "no client accepts it before that; perhaps this machine's clock is slow"
        return Finding("fault", f"{path} is valid from {begins:%Y-%m-%d %H:%M} UTC on", meaning, "check the clock")
    if ends <= now:
        return Finding("fault", f"{path} has ended on {ends:%Y-%m-%d}", "no client accepts it", _ADVICE)
    what = f"{path} ends on {ends:%Y-%m-%d}, in {days} days"
    if days < _FAULT_DAYS:
        return Finding("fault", what, "afterwards no browser and no client over TLS reaches the server", _ADVICE)
    if days < _NOTE_DAYS:
        return Finding("note", what, "what renews it should have done so by now, or will do it soon", _ADVICE)
    return fine(what)
