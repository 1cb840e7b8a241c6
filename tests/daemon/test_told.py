"""The sender is found in a refused body, even if the body is broken."""

import json

import pytest

from tests.support.running import an_event
from winlogd.daemon.told import Sender, sender_of

WHOLE = json.dumps(an_event()).encode()
ALICE = Sender("A102-07", "alice")


@pytest.mark.parametrize(
    "body",
    [
        WHOLE,
        WHOLE[: WHOLE.index(b"os_info")],
        WHOLE.replace(b"}", b""),
        WHOLE.replace(b'"', b"'"),
        WHOLE.replace(b": ", b"  :  "),
        WHOLE.decode().encode("utf-16"),
        WHOLE.decode().encode("utf-16-be"),
        b"\xef\xbb\xbf" + WHOLE,
        b"\xff" + WHOLE,
        b"username=alice&action=C&hostname=A102-07",
        b"{username: alice, hostname: A102-07}",
        b'{"Username":"alice","HostName":"A102-07",}',
        json.dumps({"os_info": {"username": "bob", "hostname": "other"}, **an_event()}).encode(),
        json.dumps(an_event(hardware_info="x" * 100_000)).encode(),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_host_and_user_are_read_where_they_can_be(body: bytes) -> None:
    assert sender_of(body) == ALICE


@pytest.mark.parametrize(
    ("body", "sender"),
    [
        (b"", Sender()),
        (b"null", Sender()),
        (b"[]", Sender()),
        (b'{"username":5,"hostname":null}', Sender()),
        (b'{"username":"","hostname":"A102-07"}', Sender("A102-07")),
        (b'{"username":null,"hostname":"A102-07"', Sender("A102-07")),
        (b'{"os_username":"alice"', Sender()),
        (b'{"username":"ali', Sender(user="ali")),
        (b'{"username":"Ren\xe9"}', Sender(user="Ren\ufffd")),
        (b'{"username":"Ren\\u00e9",', Sender(user="Ren\u00e9")),
        (b'{"username":"DOM\\alice","hostname":"A102-07"}', Sender("A102-07", "DOM\\alice")),
        (b'{"username":"' + b"x" * 5000 + b'"}', Sender(user="x" * 256)),
        (b'{"username":"' + b"x" * 5000 + b'"', Sender(user="x" * 256)),
        (b" " * 16_384 + WHOLE, Sender()),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_cannot_be_read_is_left_out(body: bytes, sender: Sender) -> None:
    assert sender_of(body) == sender
