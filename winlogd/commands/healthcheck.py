"""``winlogd healthcheck``: ask the server on this machine if it can store events, for a container or a script.

This file must not know what the server looks at before it answers.
"""

import os
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Final

from winlogd.commands.flags import Parser
from winlogd.commands.terminal import FailedError, say
from winlogd.config.load import ConfigError, load
from winlogd.config.messages import escaped

_DOES: Final = """\
Ask the server that listens at server.host and server.port if it can store events
(/ready). Ask a server without that address if it is alive (/health). Print one line.
The exit status is 0 if the answer is 200, and 1 if it is another one, if none comes
within 5 seconds, or if the configuration is wrong."""

_EXAMPLE: Final = """\
  WINLOGD_SERVER_PORT=80 winlogd healthcheck
  asks the server on port 80. If winlogd.socket opens the port, the file does not know it.
"""

_TIMEOUT_S: Final = 5.0
"""A container's own limit is 30 s by default. A server that lives answers in milliseconds."""

_READ_BYTES: Final = 4096
_SHOWN_CHARACTERS: Final = 200
_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where a server that listens on all addresses can be reached."""


def run(words: Sequence[str]) -> int:
    """Ask the server, and print what it answers. Return the exit status.

    Args:
        words: the command line after ``healthcheck``.

    Raises:
        FailedError: the server is not healthy, or the configuration has mistakes.
        HelpAskedError, MisusedError: see `Parser`.
    """
    file = Parser("healthcheck", _DOES, _EXAMPLE).config_file(list(words))
    try:
        server = load(file, os.environ).server
    except ConfigError as error:  # a container reserves the status 2
        raise FailedError(f"the configuration has mistakes, the first is {error.faults[0]}") from None
    host = _LOOPBACK.get(server.host, server.host)
    for path in ("/ready", "/health"):
        status, text = _asked(host, server.port, path)
        if status != 404:
            break
    sentence = f"{_url(host, server.port, path)} answers {status}: {text}"
    if status != 200:
        raise FailedError(sentence)
    return say(sentence)


def _asked(host: str, port: int, path: str) -> tuple[int, str]:
    """Return the status of an answer, and the beginning of its body on one line. Raise `FailedError` if none comes."""
    try:
        with closing(HTTPConnection(host, port, timeout=_TIMEOUT_S)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read(_READ_BYTES)
    except (OSError, HTTPException) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise FailedError(f"{_url(host, port, path)} does not answer: {escaped(reason)}") from None
    return answer.status, escaped(body.decode("utf-8", "replace").strip()[:_SHOWN_CHARACTERS])


def _url(host: str, port: int, path: str) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"
