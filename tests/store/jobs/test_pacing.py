"""A job pauses for longer than it works while events come, and checkpoints between its steps."""

from winlogd.store.jobs.pacing import Pacing


def test_while_events_come_each_pause_is_four_times_as_long_as_the_work_before_it() -> None:
    pacing = Pacing()
    pacing.note_events()
    pacing.after_step(10.0, 10.125)
    assert pacing.until_s == 10.625

    pacing.note_events()
    pacing.after_checkpoint(20.0, 20.0625)
    assert pacing.until_s == 20.3125


def test_when_no_event_came_meanwhile_there_is_no_pause() -> None:
    pacing = Pacing()
    pacing.note_events()
    pacing.after_step(10.0, 10.125)
    pacing.after_step(10.625, 10.75)

    assert pacing.until_s == 10.75


def test_a_wait_for_another_thread_is_a_part_of_the_step_that_comes_then() -> None:
    pacing = Pacing()
    pacing.note_events()
    pacing.wait(10.0)
    assert 10.0 < pacing.until_s < 10.01
    pacing.wait(10.0625)
    pacing.after_step(10.109375, 10.125)
    assert pacing.until_s == 10.625

    pacing.note_events()
    pacing.after_step(20.0, 20.125)
    assert pacing.until_s == 20.625


def test_a_checkpoint_that_has_nothing_to_do_takes_no_steps_pause_away() -> None:
    pacing = Pacing()
    pacing.note_events()
    pacing.after_checkpoint(10.0, 10.0)
    assert pacing.until_s == 10.0

    pacing.after_step(10.0, 10.125)

    assert pacing.until_s == 10.625


def test_a_piece_that_was_held_up_is_paused_for_a_second_at_most() -> None:
    pacing = Pacing()
    pacing.note_events()
    pacing.after_step(10.0, 40.0)

    assert pacing.until_s == 41.0


def test_after_two_steps_that_left_pages_comes_a_checkpoint_and_then_steps_again() -> None:
    pacing = Pacing()
    pieces = []
    for _ in range(6):
        if pacing.is_checkpoint_next:
            pieces.append("checkpoint")
            pacing.after_checkpoint(10.0, 10.0)
        else:
            pieces.append("step")
            pacing.after_step(10.0, 10.0)
            pacing.note_pages()

    assert pieces == ["step", "step", "checkpoint"] * 2


def test_steps_that_only_read_need_no_checkpoint() -> None:
    pacing = Pacing()
    for _ in range(10):
        pacing.after_step(10.0, 10.0)

    assert not pacing.is_checkpoint_next


def test_the_next_job_begins_as_the_first_one_did() -> None:
    pacing = Pacing()
    pacing.note_pages()
    pacing.after_step(10.0, 10.125)
    pacing.note_events()
    pacing.end()
    assert pacing.until_s == 0.0

    pacing.note_pages()
    pacing.after_step(20.0, 20.125)
    assert pacing.until_s == 20.125
    assert not pacing.is_checkpoint_next


def test_the_wait_of_a_job_that_has_ended_is_no_part_of_the_next_ones_step() -> None:
    pacing = Pacing()
    pacing.wait(10.0)
    pacing.end()

    pacing.note_events()
    pacing.after_step(20.0, 20.125)

    assert pacing.until_s == 20.625
