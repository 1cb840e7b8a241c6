"""A rotation rests for longer than it works while events come, and checkpoints between its steps."""

from winlogd.store.rests import Rests


def test_while_events_come_each_rest_is_four_times_as_long_as_the_work_before_it() -> None:
    rests = Rests()
    rests.note_events()
    rests.after_step(10.0, 10.125)
    assert rests.until_s == 10.625

    rests.note_events()
    rests.after_checkpoint(20.0, 20.0625)
    assert rests.until_s == 20.3125


def test_when_no_event_came_meanwhile_there_is_no_rest() -> None:
    rests = Rests()
    rests.note_events()
    rests.after_step(10.0, 10.125)
    rests.after_step(10.625, 10.75)

    assert rests.until_s == 10.75


def test_a_checkpoint_that_has_nothing_to_do_takes_no_steps_rest_away() -> None:
    rests = Rests()
    rests.note_events()
    rests.after_checkpoint(10.0, 10.0)
    assert rests.until_s == 10.0

    rests.after_step(10.0, 10.125)

    assert rests.until_s == 10.625


def test_a_piece_that_was_held_up_is_rested_for_a_second_at_most() -> None:
    rests = Rests()
    rests.note_events()
    rests.after_step(10.0, 40.0)

    assert rests.until_s == 41.0


def test_after_two_steps_that_left_pages_comes_a_checkpoint_and_then_steps_again() -> None:
    rests = Rests()
    pieces = []
    for _ in range(6):
        if rests.is_checkpoint_next:
            pieces.append("checkpoint")
            rests.after_checkpoint(10.0, 10.0)
        else:
            pieces.append("step")
            rests.after_step(10.0, 10.0)
            rests.note_pages()

    assert pieces == ["step", "step", "checkpoint"] * 2


def test_steps_that_only_read_need_no_checkpoint() -> None:
    rests = Rests()
    for _ in range(10):
        rests.after_step(10.0, 10.0)

    assert not rests.is_checkpoint_next


def test_the_next_rotation_begins_as_the_first_one_did() -> None:
    rests = Rests()
    rests.note_pages()
    rests.after_step(10.0, 10.125)
    rests.note_events()
    rests.end()
    assert rests.until_s == 0.0

    rests.note_pages()
    rests.after_step(20.0, 20.125)
    assert rests.until_s == 20.125
    assert not rests.is_checkpoint_next
