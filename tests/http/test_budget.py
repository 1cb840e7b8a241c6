"""What many keep in memory together is bounded: who has begun for the longest goes, who comes too late may not wait."""

from winlogd.http.budget import Allowance, Budget

MIB = 1 << 20


class Keeper:
    def __init__(self) -> None:
        self.is_shed = False

    def shed(self) -> None:
        self.is_shed = True


def test_within_the_budget_nobody_goes() -> None:
    budget, keepers = Budget(30), [Keeper(), Keeper(), Keeper()]
    for keeper in keepers:
        budget.hold(keeper, 10)
    assert not any(keeper.is_shed for keeper in keepers)


def test_beyond_it_those_go_that_began_first_until_it_is_kept_again() -> None:
    budget, keepers = Budget(30), [Keeper(), Keeper(), Keeper(), Keeper()]
    for keeper in keepers[:3]:
        budget.hold(keeper, 10)
    budget.hold(keepers[3], 15)
    assert [keeper.is_shed for keeper in keepers] == [True, True, False, False]


def test_who_has_let_go_begins_anew() -> None:
    budget, first, second, third = Budget(20), Keeper(), Keeper(), Keeper()
    budget.hold(first, 10)
    budget.hold(second, 10)
    budget.hold(first, 0)
    budget.hold(first, 10)
    budget.hold(third, 1)
    assert (first.is_shed, second.is_shed) == (False, True)


def test_only_the_last_word_of_each_counts() -> None:
    budget, first, second = Budget(20), Keeper(), Keeper()
    for octets in (5, 15, 2):
        budget.hold(first, octets)
    budget.hold(second, 18)
    assert not first.is_shed
    budget.hold(second, 19)
    assert first.is_shed


def test_one_alone_may_hold_more() -> None:
    budget, alone = Budget(10), Keeper()
    budget.hold(alone, 11)
    assert not alone.is_shed


def test_those_that_hold_little_stay_while_there_is_one_that_holds_much() -> None:
    budget, keepers = Budget(2 * MIB), [Keeper() for _ in range(5)]
    for keeper, octets in zip(keepers, (300, 4096, MIB, MIB, MIB), strict=True):
        budget.hold(keeper, octets)
    assert [keeper.is_shed for keeper in keepers] == [False, False, True, True, False]


def test_what_has_become_much_counts_as_much_from_then_on_and_what_has_become_little_as_little() -> None:
    budget, grown, large, shrunk, last = Budget(2 * MIB), Keeper(), Keeper(), Keeper(), Keeper()
    for keeper, octets in ((grown, 300), (shrunk, MIB), (large, MIB // 2), (grown, MIB // 2), (shrunk, 300)):
        budget.hold(keeper, octets)
    budget.hold(last, MIB + 1)
    assert [keeper.is_shed for keeper in (grown, large, shrunk, last)] == [False, True, False, False]


def test_where_all_hold_little_the_first_goes() -> None:
    budget, keepers = Budget(2 * 4096), [Keeper() for _ in range(3)]
    for keeper in keepers:
        budget.hold(keeper, 4096)
    assert [keeper.is_shed for keeper in keepers] == [True, False, False]


def test_letting_go_of_nothing_is_nothing() -> None:
    budget, keeper = Budget(10), Keeper()
    budget.hold(keeper, 0)
    budget.hold(keeper, 11)
    assert not keeper.is_shed


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
