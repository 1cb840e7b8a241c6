"""Where a request comes from: over which transport, from which page, and if a person has opened it in a browser.

Pure. This file must not know who asks.
"""

from typing import TYPE_CHECKING, Final

from winlogd.access.addresses import TrustedProxies, has_forwarding_field, is_loopback
from winlogd.http.wire.message import Head

if TYPE_CHECKING:  # types only
    from winlogd.http.exchange import Exchange
    from winlogd.http.protocols import Sender

_FORWARDED_SCHEME: Final = "x-forwarded-proto"


def is_private(head: Head, sender: "Sender[Exchange]", proxies: TrustedProxies) -> bool:
    """Return True if nobody on the network can read a request: HTTPS, or a client on this machine."""
    is_ours = is_loopback(sender.peer) and not has_forwarding_field(head)
    return is_ours or is_secure(head, sender, proxies)


def is_secure(head: Head, sender: "Sender[Exchange]", proxies: TrustedProxies) -> bool:
    """Return True if a client has asked over HTTPS.

    A trusted proxy says how the client reached it. All proxies on the way must say https.
    """
    schemes = ",".join(head.get_all(_FORWARDED_SCHEME)) if proxies.trusts(sender.peer) else ""
    if schemes:
        return all(scheme.strip(" \t").lower() == "https" for scheme in schemes.split(","))
    return sender.is_encrypted and not has_forwarding_field(head)


def is_same_origin(head: Head) -> bool:
    """Return True if a page of this server has sent a request that changes something.

    Browsers write Sec-Fetch-Site over HTTPS and to this machine (Fetch Metadata §2.4). Otherwise they write Origin, and
    it has to be equal to Host.
    """
    site = head.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    scheme, _, place = (head.get("origin") or "").partition("://")
    return scheme in ("http", "https") and place != "" and place.lower() == (head.get("host") or "").lower()


def is_navigation(head: Head) -> bool:
    """Return True if a person has opened an address in a browser, and can read a page."""
    mode = head.get("sec-fetch-mode")
    return mode == "navigate" if mode is not None else "text/html" in (head.get("accept") or "").lower()
