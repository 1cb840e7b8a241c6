"""What the log may show of a refused request. Loaded with the first one.

This file must not know why a request is refused.
"""

from collections.abc import Sequence
from typing import Final

from winlogd.api.login_form import FORM
from winlogd.daemon.refusals import About
from winlogd.daemon.told import sender_of
from winlogd.events.event import Event
from winlogd.http.wire.message import Head, Response
from winlogd.log.form import masked

_SENT_BYTES: Final = 1024
"""Decode this much of a refused body for a log at level `debug`, which shows its first 200 characters."""

_PATH_BYTES: Final = 200
"""The log shows this much of a refused request's path."""


def about_of(response: Response, secrets: Sequence[bytes], *, shows_names: bool) -> About:
    """Return what the log may show of the request that `response` refuses.

    Args:
        response: the answer.
        secrets: what no line may show.
        shows_names: the log may show users' names.
    """
    path = None
    if response.head is not None:
        shown = response.head.path
        if response.head.path_parameters and not shows_names:  # the last part names a user or a machine
            shown = f"{shown.rpartition('/')[0]}/…"
        path = _masked(shown.encode(), secrets)[:_PATH_BYTES].decode("utf-8", "replace")
    match response.sent:
        case Event() as event:
            return About(path, event.hostname, event.username if shows_names else None)
        case bytes(body) if body and not _is_form(response.head):
            body = _masked(body, secrets)
            host, user = sender_of(body)
            if not shows_names:
                return About(path, host)
            return About(path, host, user, body[:_SENT_BYTES].decode("utf-8", "replace"))
    return About(path)


def _masked(sent: bytes, secrets: Sequence[bytes]) -> bytes:
    """Return `sent` without tokens. The log masks whole tokens only, and this file cuts texts later."""
    return masked(masked(sent, secrets), (secret.replace(b"/", rb"\/") for secret in secrets))  # JSON writes / so


def _is_form(head: Head | None) -> bool:
    """Return True if a browser has sent a form. It may hold a token that the log does not know. No client sends one."""
    return head is not None and (head.get("content-type") or "").lower().startswith(FORM)
