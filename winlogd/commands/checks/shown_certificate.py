"""Check that the running server shows the certificate that its file has: a renewed one counts after a reload."""

import socket
import ssl
from collections.abc import Iterator
from typing import Final

from winlogd.commands.checks.certificate import NO_TLS
from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import Finding, fine, unseen
from winlogd.commands.checks.validity import Validity, validities

_PATIENCE_S: Final = 5.0
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where to reach a server that listens at all addresses of this machine."""


def check(context: Context) -> Iterator[Finding]:
    """Find a server that shows another certificate than the one in the file."""
    server = context.config.server
    if not server.tls_port:
        yield fine(NO_TLS)
        return
    try:
        [shown] = validities(shown_at(_ANY.get(server.host, server.host), server.tls_port))
        with open(server.tls_certificate, encoding="ascii", errors="replace") as file:
            own = validities(file.read())[0]
    except ConnectionRefusedError:
        yield fine(f"nobody answers on port {server.tls_port}")
    except (OSError, ValueError, IndexError) as error:
        yield unseen(f"the certificate on port {server.tls_port}", str(error), "look into the server's log")
    else:
        yield judged(shown, own)


def judged(shown: Validity, own: Validity) -> Finding:
    """Compare the certificate that the server shows with the one in its file."""
    if shown == own:
        return fine(f"the server shows the certificate of its file, until {own.ends:%Y-%m-%d}")
    return Finding(
        "fault",
        f"the server shows a certificate until {shown.ends:%Y-%m-%d}, and its file has one until {own.ends:%Y-%m-%d}",
        "the file was replaced, and the server has not read it since",
        "sudo systemctl reload winlogd; let the program that renews it do that, too: docs/configure.md, TLS",
    )


def shown_at(host: str, port: int) -> str:
    """Return the certificate that a server shows, as PEM. It need not be one that this machine trusts.

    Raises:
        OSError: nobody answers there, or not with TLS.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((host, port), _PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname=host) as wire,
    ):
        shown = wire.getpeercert(binary_form=True)
    return ssl.DER_cert_to_PEM_cert(shown or b"")
