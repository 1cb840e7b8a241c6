"""How many wrong tokens are answered as such."""

import pytest

from winlogd.access.failures import IN_ALL, OF_ADDRESS, Failures, network_of

START_S = 1000.0


def test_an_address_has_five_failures_a_minute() -> None:
    failures = Failures()
    assert [failures.add("192.0.2.1", START_S + second) for second in range(OF_ADDRESS)] == [0.0] * OF_ADDRESS
    assert failures.add("192.0.2.1", START_S + 10) == 50  # until the first of them is a minute old
    assert failures.add("192.0.2.2", START_S + 10) == 0
    assert failures.add("192.0.2.1", START_S + 59.5) == 0.5
    assert failures.add("192.0.2.1", START_S + 60) == 0
    assert failures.add("192.0.2.1", START_S + 60) == 1


def test_all_addresses_together_have_fifty() -> None:
    failures = Failures()
    for number in range(IN_ALL):
        assert failures.add(f"192.0.2.{number}", START_S + number / 10) == 0
    assert failures.add("192.0.2.200", START_S + 20) == 40
    assert failures.add("192.0.2.200", START_S + 60) == 0


def test_an_address_over_its_limit_takes_nothing_from_the_others() -> None:
    failures = Failures()
    for _ in range(10_000):
        failures.add("192.0.2.1", START_S)
    assert len(failures) == OF_ADDRESS
    assert failures.add("192.0.2.2", START_S) == 0


def test_no_number_of_addresses_takes_more_memory() -> None:
    failures = Failures()
    for number in range(10_000):
        failures.add(f"2001:db8:{number:x}::1", START_S)
    assert len(failures) == IN_ALL


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1:2:3", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("::1", "::/64"),
        ("unknown", "unknown"),
    ],
)
def test_the_addresses_of_an_ipv6_network_count_as_one(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_failure_that_was_none_is_taken_back() -> None:
    failures = Failures()
    failures.add("192.0.2.1", START_S)
    failures.add("2001:db8::1", START_S)
    failures.take_back("2001:db8::2")
    failures.take_back("2001:db8::2")
    assert len(failures) == 1
    for _ in range(OF_ADDRESS):
        assert failures.add("2001:db8::3", START_S) == 0
