"""The quick path for plain events and the full check of all others must never disagree."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from winlogd.events.decode import EventDecoder, InvalidEventError, _checked_event, _plain_event
from winlogd.events.event import Event

ABSENT = object()
ACTIONS = frozenset(("C", "D", "M"))
decoder = EventDecoder(("C", "D", "M"))

texts = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ["alice", "C", "é", "a\u00a0b", "\x00", "\x85", "\u2028", "x" * 255, "x" * 256, "x" * 257]
)
things = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


def usually(plain: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401  # any JSON
    """Return a strategy that gives `plain` most of the time, so that one odd field meets plain other fields."""
    return st.one_of(st.just(plain), st.just(plain), st.just(plain), texts, things, st.just(ABSENT))


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields).map(lambda d: {key: value for key, value in d.items() if value is not ABSENT})


os_infos = some(os_name=usually("Windows"), os_version=usually("11"), kernel_version=usually("26100"))
objects = some(
    username=usually("alice"),
    action=usually("C"),
    timestamp=usually("2026-01-13T08:30:00Z"),
    hostname=usually("A102-07"),
    os_info=os_infos | usually({}),
    hardware_info=usually(None),
)

LISTS: list[Any] = [["a"], ["b"], ["c"]]


def by_full_check(fields: object) -> Event | None:
    try:
        return _checked_event(fields)
    except InvalidEventError:
        return None


@given(objects | things)
@example({"username": ["a"], "action": "C", "timestamp": "t", "hostname": ["b"], "os_info": {}, "hardware_info": None})
@example(
    {"username": "a", "action": "C", "timestamp": "t", "hostname": "b", "hardware_info": None,
     "os_info": dict(zip(("os_name", "os_version", "kernel_version"), LISTS, strict=True))}
)  # fmt: skip
@example(
    {"username": "a", "action": ["C"], "timestamp": ["t"], "hostname": "b", "hardware_info": None,
     "os_info": {"os_name": "", "os_version": "", "kernel_version": ""}}
)  # fmt: skip
@example(
    {"username": "a", "action": "C", "timestamp": "t", "hostname": "b", "hardware_info": None,
     "os_info": {"os_name": 1, "os_version": 2, "kernel_version": 3}}
)  # fmt: skip
def test_what_the_quick_path_takes_the_full_check_takes_the_same(fields: object) -> None:
    quick = _plain_event(fields, ACTIONS)

    if quick is not None:
        assert quick == by_full_check(fields)
        assert quick == decoder.decode(json.dumps(fields).encode())


@given(objects)
def test_a_decoded_event_is_what_the_full_check_says(fields: dict[str, Any]) -> None:
    try:
        event: Event | None = decoder.decode(json.dumps(fields).encode())
    except InvalidEventError:
        event = None

    if event is not None:
        full = by_full_check(fields)
        assert full is not None
        assert event == full.replaced(timestamp=event.timestamp)


def test_the_clients_events_take_the_quick_path() -> None:
    os_info = {"os_name": "Windows", "os_version": "11 (26100)", "kernel_version": "26100"}
    timestamp = "2026-01-13T08:30:00.123456789+00:00"
    fields = {"username": "alice", "action": "D", "timestamp": timestamp, "hostname": "h", "os_info": os_info}

    assert _plain_event(fields | {"hardware_info": None}, ACTIONS) is not None
