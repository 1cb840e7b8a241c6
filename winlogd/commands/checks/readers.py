"""Check who may read: readers with a token, networks, this machine, and tokens over plain HTTP."""

import os
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from winlogd.commands.checks.context import Context, SilentError, order
from winlogd.commands.checks.finding import Finding, few, fine, unseen
from winlogd.config.sections import Config
from winlogd.control.client import OrderFailedError
from winlogd.sessions.moments import local_time
from winlogd.sessions.session import US
from winlogd.store.access_file.errors import AccessFileError
from winlogd.store.access_file.once import readers_at_rest
from winlogd.store.access_file.tables import access_path

_SOON_US: Final = 14 * 86_400 * US
_UNUSED_US: Final = 180 * 86_400 * US


class Reader(NamedTuple):
    """A reader whose token is valid.

    Attributes:
        name: the name.
        scope: what the reader may read.
        created_us: when the token was added.
        expires_us: when it ends; None for never.
        used_us: when it was used last; None for never.
    """

    name: str
    scope: str
    created_us: int
    expires_us: int | None
    used_us: int | None


def check(context: Context) -> Iterator[Finding]:
    """Find tokens that end soon or that nobody uses, and ways to read that are open wide."""
    yield from _options(context.config)
    if not os.path.lexists(access_path(context.path)):
        yield fine(_summary((), context.config, is_first=True))
        return
    try:
        readers, is_first = _readers(context)
    except (AccessFileError, OrderFailedError, OSError, SilentError) as error:
        advice = "run this as root, or as the user that winlogd runs as; winlogd's log may say more"
        reason = getattr(error, "strerror", None) or str(error) or "the server does not answer"
        yield unseen("the readers' file", reason, advice)
        return
    yield from judged(readers, context)
    yield fine(_summary(readers, context.config, is_first))


def judged(readers: Sequence[Reader], context: Context) -> Iterator[Finding]:
    """Find tokens that end soon, and those that nobody uses."""
    now_us = context.now_us
    for each in readers:
        if each.expires_us is not None and each.expires_us < now_us + _SOON_US:
            ends = local_time(each.expires_us, context.zone)
            meaning = "then this reader gets 403; a screen shows nothing any more"
            advice = "winlogd token add with another name, if the reader is to stay"
            yield Finding("note", f"the token of {each.name} ends on {ends:%Y-%m-%d}", meaning, advice)
    unused = [each.name for each in readers if (each.used_us or each.created_us) < now_us - _UNUSED_US]
    if unused:
        yield Finding(
            "note",
            f"not used for half a year: {few(unused)}",
            "a token that nobody needs can only be lost",
            "winlogd token revoke NAME",
        )


def _options(config: Config) -> Iterator[Finding]:
    if config.security.plain_login:
        yield Finding(
            "note",
            "readers on other machines may send their token over plain HTTP: security.plain_login is true",
            "who can listen on the network learns the token, and reads with it",
            "set server.tls_port, or put a proxy with HTTPS before winlogd; then set plain_login = false",
        )


def _readers(context: Context) -> tuple[list[Reader], bool]:
    """Return the readers whose token is valid, and True if none was ever added.

    Raises:
        AccessFileError, OrderFailedError, OSError, SilentError: the file cannot be read.
    """
    if context.server.state == "runs":
        listed = order(context.path, {"order": "token", "do": "list"})["readers"]
    else:
        listed = [{**row._asdict(), "is_valid": row.is_valid(context.now_us)} for row in readers_at_rest(context.path)]
    valid = [Reader(*(row[name] for name in Reader._fields)) for row in listed if row["is_valid"]]
    return valid, not listed


def _summary(readers: Sequence[Reader], config: Config, is_first: bool) -> str:
    """Return in one line who may read."""
    security = config.security
    names: dict[str, list[str]] = {}
    for each in readers:
        names.setdefault(each.scope, []).append(each.name)
    parts = [f"scope {scope}: {few(some)}" for scope, some in sorted(names.items())] or ["nobody has a token"]
    if security.read_networks:
        parts.append(f"without a token {', '.join(security.read_networks)} (who is on now)")
    if security.local_reads and is_first:
        parts.append("this machine without a token (everything, until the first reader is added)")
    return "; ".join(parts)
