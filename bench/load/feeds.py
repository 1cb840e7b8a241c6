"""Read live feeds, and one that is never read. Print what came on SIGTERM.

    python -m bench.load.feeds PORT COUNT

Ten feeds come from each address, because a reader may have no more. The last feed is never read.
"""

import json
import select
import signal
import socket
import sys
from typing import Final

_FEED: Final = b"GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
_OF_ONE_ADDRESS: Final = 10


def _open(port: int, number: int) -> socket.socket:
    feed = socket.create_connection(("127.0.0.1", port), source_address=(f"127.0.0.{2 + number // _OF_ONE_ADDRESS}", 0))
    feed.sendall(_FEED)
    return feed


def _received(feed: socket.socket) -> bytes:
    """Return what has come; nothing if the feed has ended."""
    try:
        return feed.recv(1 << 20)
    except ConnectionResetError:
        return b""


def main(arguments: list[str]) -> None:
    """Read the feeds that the command line describes."""
    port, count = map(int, arguments)
    feeds = {feed.fileno(): feed for feed in (_open(port, number) for number in range(count))}
    [*read, _] = feeds.values()
    epoll = select.epoll()
    for feed in read:
        feed.setblocking(False)
        epoll.register(feed, select.EPOLLIN)
    is_over = False

    def end(*_: object) -> None:
        nonlocal is_over
        is_over = True

    signal.signal(signal.SIGTERM, end)
    print("open", flush=True)
    events = octets = ended = 0
    while not is_over:
        for descriptor, _ in epoll.poll(0.1):
            came = _received(feeds[descriptor])
            events += came.count(b"event: change")
            octets += len(came)
            if not came:
                ended += 1
                epoll.unregister(descriptor)
    print(json.dumps({"events": events, "octets": octets, "ended": ended}))


if __name__ == "__main__":
    main(sys.argv[1:])
