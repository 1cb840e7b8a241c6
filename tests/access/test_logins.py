"""How long a login lasts, and when the right to read ends."""

import pytest

from tests.access.test_readers import NOW_US, TOKEN, a_row
from winlogd.access.readers import OPEN_NETWORK, THIS_MACHINE, Reader, Readers, digest_of
from winlogd.access.scopes import LIFETIMES_S, SCOPES
from winlogd.store.access_file.logins import LoginRow

SECRET = "5ec2e7" * 10
US = 1_000_000
HOUR_US, DAY_US = 3_600 * US, 86_400 * US
LIFETIMES_US = {"wall": 400 * DAY_US, "now": 30 * DAY_US, "all": 12 * HOUR_US, "audit": 12 * HOUR_US,
                "metrics": 12 * HOUR_US}  # fmt: skip


def logged_in(
    scope: str = "all", expires_us: int | None = None, revoked_us: int | None = None, ends_us: int = NOW_US + HOUR_US
) -> Readers:
    row = a_row(scope=scope, expires_us=expires_us, revoked_us=revoked_us)
    return Readers([row], [LoginRow(digest_of(SECRET), 1, NOW_US, ends_us)])


def test_a_secret_finds_the_reader_of_its_login() -> None:
    readers = logged_in()
    assert readers.holder_of_login(SECRET, NOW_US) == Reader("alice", "all", None, 1, digest_of(SECRET))
    for other in ("", SECRET[:-1], TOKEN, digest_of(SECRET).hex()):
        assert readers.holder_of_login(other, NOW_US) is None
    assert readers.holder_of(SECRET, NOW_US) is None


def test_a_login_without_its_reader_finds_nobody() -> None:
    assert Readers([], [LoginRow(digest_of(SECRET), 1, NOW_US, NOW_US + 1)]).holder_of_login(SECRET, NOW_US) is None


@pytest.mark.parametrize("scope", SCOPES)
def test_it_lasts_as_long_as_its_scope_says_after_the_last_use(scope: str) -> None:
    lifetime_us = LIFETIMES_US[scope]
    assert LIFETIMES_S[scope] * US == lifetime_us
    readers = logged_in(scope, ends_us=NOW_US + lifetime_us)
    used_us = NOW_US + lifetime_us - 1
    reader = readers.holder_of_login(SECRET, used_us)
    assert reader is not None
    assert readers.used(reader, used_us) == LoginRow(digest_of(SECRET), 1, used_us, used_us + lifetime_us)
    assert readers.holder_of_login(SECRET, used_us + lifetime_us - 1) == reader
    assert readers.holder_of_login(SECRET, used_us + lifetime_us) is None


def test_the_last_use_is_kept_to_the_minute() -> None:
    readers = logged_in()
    reader = readers.holder_of_login(SECRET, NOW_US)
    assert reader is not None
    assert readers.used(reader, NOW_US + 60 * US - 1) is None
    assert readers.used(reader, NOW_US + 60 * US) is not None
    assert readers.used(reader, NOW_US + 60 * US) is None
    assert readers.used(reader._replace(login=None), NOW_US + 999 * US) is None


@pytest.mark.parametrize(
    ("expires_us", "revoked_us", "ends_us", "end"),
    [
        (None, None, NOW_US + 5, NOW_US + 5),
        (NOW_US + 3, None, NOW_US + 5, NOW_US + 3),
        (NOW_US + 9, None, NOW_US + 5, NOW_US + 5),
        (None, NOW_US, NOW_US + 5, 0),
    ],
)
def test_the_right_ends_with_the_login_or_the_token(
    expires_us: int | None, revoked_us: int | None, ends_us: int, end: int
) -> None:
    readers = logged_in("all", expires_us, revoked_us, ends_us)
    by_cookie = Reader("alice", "all", None, 1, digest_of(SECRET))
    assert readers.ends_us(by_cookie) == end
    assert (readers.holder_of_login(SECRET, NOW_US) is None) is (end == 0)
    if end:
        assert readers.holder_of_login(SECRET, end - 1) == by_cookie
        assert readers.holder_of_login(SECRET, end) is None
    assert readers.ends_us(by_cookie._replace(login=None)) == (0 if revoked_us else expires_us)
    assert readers.ends_us(by_cookie._replace(login=b"logged out")) == 0
    assert readers.ends_us(by_cookie._replace(number=2)) == 0


def test_without_a_token_this_machine_may_read_until_a_reader_is_added() -> None:
    assert Readers([]).ends_us(THIS_MACHINE) is None
    assert logged_in().ends_us(THIS_MACHINE) == 0
    assert logged_in().ends_us(OPEN_NETWORK) is None


def test_an_old_token_is_no_guess() -> None:
    readers = logged_in(revoked_us=NOW_US)
    assert readers.was_token(TOKEN)
    assert not readers.was_token(TOKEN[:-1])
