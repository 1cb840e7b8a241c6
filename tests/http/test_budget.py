"""The memory of all connections is bounded: the largest address loses a holder, and late requests are refused."""

import random
from collections import Counter

from winlogd.http.budget import Allowance, Budget

MIB = 1 << 20
PROXY = "192.0.2.80"


class Keeper:
    def __init__(self, peer: str = "192.0.2.1") -> None:
        self.peer = peer
        self.is_dropped = False

    def drop_for_memory(self) -> None:
        self.is_dropped = True


def a_budget(limit: int) -> Budget:
    return Budget(limit, PROXY.__eq__)


def test_within_the_budget_nobody_goes() -> None:
    budget, keepers = a_budget(30), [Keeper(), Keeper(), Keeper()]
    for keeper in keepers:
        budget.hold(keeper, 10)
    assert not any(keeper.is_dropped for keeper in keepers)


def test_beyond_it_those_go_that_began_first_until_it_is_kept_again() -> None:
    budget, keepers = a_budget(30), [Keeper(), Keeper(), Keeper(), Keeper()]
    for keeper in keepers[:3]:
        budget.hold(keeper, 10)
    budget.hold(keepers[3], 15)
    assert [keeper.is_dropped for keeper in keepers] == [True, True, False, False]


def test_who_has_let_go_begins_anew() -> None:
    budget, first, second, third = a_budget(20), Keeper(), Keeper(), Keeper()
    budget.hold(first, 10)
    budget.hold(second, 10)
    budget.hold(first, 0)
    budget.hold(first, 10)
    budget.hold(third, 1)
    assert (first.is_dropped, second.is_dropped) == (False, True)


def test_only_the_last_word_of_each_counts() -> None:
    budget, first, second = a_budget(20), Keeper(), Keeper()
    for octets in (5, 15, 2):
        budget.hold(first, octets)
    budget.hold(second, 18)
    assert not first.is_dropped
    budget.hold(second, 19)
    assert first.is_dropped


def test_one_alone_may_hold_more() -> None:
    budget, alone = a_budget(10), Keeper()
    budget.hold(alone, 11)
    assert not alone.is_dropped


def test_those_that_hold_little_stay_while_there_is_one_that_holds_much() -> None:
    budget, keepers = a_budget(2 * MIB), [Keeper() for _ in range(5)]
    for keeper, octets in zip(keepers, (300, 4096, MIB, MIB, MIB), strict=True):
        budget.hold(keeper, octets)
    assert [keeper.is_dropped for keeper in keepers] == [False, False, True, True, False]


def test_what_has_become_much_counts_as_much_from_then_on_and_what_has_become_little_as_little() -> None:
    budget, grown, large, shrunk, last = a_budget(2 * MIB), Keeper(), Keeper(), Keeper(), Keeper()
    for keeper, octets in ((grown, 300), (shrunk, MIB), (large, MIB // 2), (grown, MIB // 2), (shrunk, 300)):
        budget.hold(keeper, octets)
    budget.hold(last, MIB + 1)
    assert [keeper.is_dropped for keeper in (grown, large, shrunk, last)] == [False, True, False, False]


def test_where_all_hold_little_the_first_goes() -> None:
    budget, keepers = a_budget(2 * 4096), [Keeper() for _ in range(3)]
    for keeper in keepers:
        budget.hold(keeper, 4096)
    assert [keeper.is_dropped for keeper in keepers] == [True, False, False]


def test_letting_go_of_nothing_is_nothing() -> None:
    budget, keeper = a_budget(10), Keeper()
    budget.hold(keeper, 0)
    budget.hold(keeper, 11)
    assert not keeper.is_dropped


# ── of many addresses ─────────────────────────────────────────────────────────────────────────────────


def test_the_address_that_holds_most_loses_first() -> None:
    """Another address has held for longer, and more on one connection, and loses nothing."""
    budget, early = a_budget(30), Keeper("192.0.2.7")
    many = [Keeper("198.51.100.1") for _ in range(5)]
    budget.hold(early, 10)
    for keeper in many:
        budget.hold(keeper, 6)
    assert not early.is_dropped
    assert [keeper.is_dropped for keeper in many] == [True, True, False, False, False]


def test_it_loses_no_more_than_has_to_be_freed_and_then_another_may_be_the_one_that_holds_most() -> None:
    budget = a_budget(20)
    ten, nine, late = Keeper("192.0.2.10"), Keeper("192.0.2.9"), Keeper("192.0.2.8")
    budget.hold(ten, 10)
    budget.hold(nine, 9)
    budget.hold(late, 8)
    assert [ten.is_dropped, nine.is_dropped, late.is_dropped] == [True, False, False]
    budget.hold(late, 12)
    assert [nine.is_dropped, late.is_dropped] == [False, True]


def test_of_addresses_that_hold_as_much_the_one_goes_that_has_held_for_longest() -> None:
    budget, keepers = a_budget(3 * MIB + 6), [Keeper(f"192.0.2.{number}") for number in range(4)]
    for number, keeper in enumerate(keepers):
        budget.hold(keeper, MIB + number)  # a difference this small does not count
    assert [keeper.is_dropped for keeper in keepers] == [True, False, False, False]


def test_who_has_let_go_of_some_counts_with_the_rest() -> None:
    budget, shrunk, other = a_budget(20), Keeper("192.0.2.1"), Keeper("192.0.2.2")
    budget.hold(shrunk, 19)
    budget.hold(shrunk, 5)
    budget.hold(other, 10)
    budget.hold(shrunk, 9)
    budget.hold(Keeper("192.0.2.3"), 2)
    assert [shrunk.is_dropped, other.is_dropped] == [False, True]


def test_the_connections_of_a_proxy_count_singly() -> None:
    budget, proxied = a_budget(30), [Keeper(PROXY) for _ in range(3)]
    hoarders = [Keeper("198.51.100.1") for _ in range(2)]
    for keeper in proxied:
        budget.hold(keeper, 6)
    for keeper in hoarders:
        budget.hold(keeper, 7)
    assert [keeper.is_dropped for keeper in (*proxied, *hoarders)] == [False, False, False, True, False]


def test_whatever_many_hold_and_let_go_the_address_with_most_is_found() -> None:
    """Compare with a plain sum for each address. The numbers are so small that none are rounded to the same rank."""
    chance, budget = random.Random(6), a_budget(1 << 20)
    keepers = [Keeper(f"192.0.2.{number % 7}") for number in range(20)]
    held: dict[Keeper, int] = {}
    for _ in range(5000):
        keeper = chance.choice(keepers)
        held[keeper] = chance.randrange(4)
        budget.hold(keeper, held[keeper])
        if any(held.values()):
            sums = Counter[str]()
            for each, octets in held.items():
                sums[each.peer] += octets
            assert budget._ranking.greatest().octets == max(sums.values())
    assert len(budget._ranking._entries) < 4 * 7 + 100


# ── of bodies that many share ─────────────────────────────────────────────────────────────────────────


def test_what_many_share_counts_once() -> None:
    budget, body, keepers = a_budget(80), bytes(15), [Keeper(f"192.0.2.{number}") for number in range(5)]
    for keeper in keepers:
        budget.hold(keeper, 13, body)
    assert not any(keeper.is_dropped for keeper in keepers)
    budget.hold(keepers[4], 14, body)
    assert [keeper.is_dropped for keeper in keepers] == [False, False, False, False, True]


def test_it_counts_until_the_last_has_let_go() -> None:
    budget, body = a_budget(60), bytes(15)
    first, second, third, fourth = keepers = [Keeper(f"192.0.2.{number}") for number in range(4)]
    budget.hold(first, 0, body)
    budget.hold(second, 0, body)
    budget.hold(first, 0)
    budget.hold(third, 20)
    budget.hold(fourth, 25)
    assert not any(keeper.is_dropped for keeper in keepers)
    budget.hold(fourth, 26)
    assert [keeper.is_dropped for keeper in keepers] == [False, False, False, True]
    budget.hold(second, 0)
    budget.hold(fourth, 40)
    assert not third.is_dropped


def test_bodies_that_are_equal_and_not_the_same_count_each() -> None:
    budget, first, second = a_budget(20), Keeper("192.0.2.1"), Keeper("192.0.2.2")
    bodies = [bytes([7]) * 11 for _ in range(2)]
    budget.hold(first, 10, bodies[0])
    budget.hold(second, 10, bodies[1])
    budget.hold(second, 13, bodies[1])
    assert [first.is_dropped, second.is_dropped] == [False, True]


def test_four_of_the_largest_fit_in_any_case_and_of_five_the_one_that_was_taken_for_the_longest_time_goes() -> None:
    budget, keepers = a_budget(MIB), [Keeper(f"192.0.2.{number}") for number in range(5)]
    for keeper in keepers[:4]:
        budget.hold(keeper, 0, bytes(2 * MIB))
    assert not any(keeper.is_dropped for keeper in keepers)
    first_reads_on, body = keepers[0], bytes(2 * MIB)
    budget.hold(first_reads_on, 0)
    budget.hold(first_reads_on, 0, body)
    budget.hold(keepers[4], 0, bytes(2 * MIB))
    assert [keeper.is_dropped for keeper in keepers] == [False, True, False, False, False]


def test_an_address_with_several_loses_before_those_with_one() -> None:
    """The other holders began earlier, and share a body with it."""
    budget, bodies = a_budget(10), [bytes(MIB) for _ in range(5)]
    honest = [Keeper(f"192.0.2.{number}") for number in range(5)]
    for keeper in honest:
        budget.hold(keeper, 0, bodies[0])
    hoarders = [Keeper("198.51.100.1") for _ in bodies]
    for keeper, body in zip(hoarders, bodies, strict=True):
        budget.hold(keeper, 0, body)
    assert not any(keeper.is_dropped for keeper in honest)
    assert [keeper.is_dropped for keeper in hoarders] == [True, True, False, False, False]


def test_room_for_large_bodies_is_gone_with_them() -> None:
    budget, reader, hoarders = a_budget(10), Keeper("192.0.2.1"), [Keeper("198.51.100.1") for _ in range(2)]
    budget.hold(reader, 0, bytes(MIB))
    budget.hold(reader, 0)
    for keeper in hoarders:
        budget.hold(keeper, 8)
    assert [keeper.is_dropped for keeper in hoarders] == [True, False]


# ── of requests that wait ─────────────────────────────────────────────────────────────────────────────


def test_large_requests_may_wait_in_half_of_the_room_and_small_ones_in_all_of_it() -> None:
    room = Allowance(MIB)
    assert sum(room.take(MIB) for _ in range(100)) == 32
    assert sum(room.take(4096) for _ in range(100_000)) == 8192


def test_who_waits_no_more_leaves_room_for_as_much() -> None:
    room = Allowance(MIB)
    while room.take(MIB):
        pass
    room.give_back(MIB)
    assert room.take(MIB // 2)
    assert not room.take(MIB)
    assert room.take(MIB // 2)
    assert not room.take(4097)


def test_two_of_the_largest_requests_that_are_allowed_always_fit() -> None:
    room = Allowance(64 * MIB)
    assert [room.take(64 * MIB) for _ in range(3)] == [True, True, False]
