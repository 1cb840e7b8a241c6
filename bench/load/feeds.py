"""Read live feeds, and one that is never read. Print what came on SIGTERM.

    python -m bench.load.feeds PORT COUNT [ADDRESS TOKEN...]

Ten feeds come from each address, because a reader may have no more. With tokens, ten come from each reader, through a
proxy at ADDRESS. The last feed is never read. The first of each ten counts its changes. The others throw away what
comes: the load on the same core must not wait for 200 readers.
"""

import json
import select
import signal
import socket
import sys
from typing import Final

_FEED: Final = "GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n{}\r\n"
_TOKEN: Final = "Authorization: Bearer {}\r\n"
_OF_ONE: Final = 10
_READ_BYTES: Final = 1 << 20


def _open(address: str, port: int, reader: int, tokens: list[str]) -> socket.socket:
    feed = socket.create_connection((address, port), source_address=(f"127.0.0.{2 + reader}", 0))
    feed.sendall(_FEED.format(_TOKEN.format(tokens[reader]) if tokens else "").encode())
    return feed


def _received(feed: socket.socket, space: bytearray, flags: int) -> int:
    """Return how many octets have come; none if the feed has ended."""
    try:
        return feed.recv_into(space, 0, flags)
    except ConnectionResetError:
        return 0


def main(arguments: list[str]) -> None:
    """Read the feeds that the command line describes."""
    (port, count), (address, *tokens) = map(int, arguments[:2]), arguments[2:] or ["127.0.0.1"]
    opened = [_open(address, port, number // _OF_ONE, tokens) for number in range(count)]
    feeds = {feed.fileno(): feed for feed in opened}
    [*read, _] = feeds.values()
    counting = {feed.fileno() for feed in read[::_OF_ONE]}
    space = bytearray(_READ_BYTES)
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
            is_counting = descriptor in counting
            # With MSG_TRUNC the system throws the octets away (tcp(7)).
            came = _received(feeds[descriptor], space, 0 if is_counting else socket.MSG_TRUNC)
            events += space.count(b"event: change", 0, came) if is_counting else 0
            octets += came
            if not came:
                ended += 1
                epoll.unregister(descriptor)
    print(json.dumps({"events": events, "octets": octets, "ended": ended}))


if __name__ == "__main__":
    main(sys.argv[1:])
