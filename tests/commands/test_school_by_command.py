"""The questions of a school, each by one command, against the truth; and the same answers beside a running server."""

import re
from pathlib import Path

import pytest

from tests.support.commands import SETTINGS, Played, played
from tests.support.running import Winlogd, an_event, run_to_end, running
from tests.support.school_building import DAY_US, TERMINAL_SERVER
from tests.support.school_habits import HONEST, Habits
from tests.support.school_truth import HOUR_US, Presence
from winlogd.events.names import folded, folded_host, short_user
from winlogd.events.timestamps import microseconds, stored_form

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """A school in which every logon and logoff is reported, so that the answers are the truth itself."""
    return played(tmp_path_factory.mktemp("honest"), HONEST)


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """A school in which people switch machines off, machines crash, and two clocks are a day wrong."""
    return played(tmp_path_factory.mktemp("careless"), Habits(outages=0))


def who(rows: list[dict[str, str]]) -> set[tuple[str, str]]:
    """Return users and machines, folded."""
    return {(folded(row["username"]), folded_host(row["hostname"])) for row in rows}


def in_room(played: Played, on: set[tuple[str, str]], room: str) -> set[tuple[str, str]]:
    hosts = {folded_host(each.hostname) for each in played.school.building.rooms[room]}
    return {each for each in on if each[1] in hosts}


# ── who is on now ─────────────────────────────────────────────────────────────────────────────────────


def test_who_is_on_now(honest: Played) -> None:
    on = honest.school.truth.on_at(honest.now_us)
    ended = honest.run("who", "--json")
    assert who(ended.json["sessions"]) == on
    assert {row["certainty"] for row in ended.json["sessions"]} == {"presumed"}
    assert ended.notes == [
        "All machines, now: Thursday 29 January, 10:25",
        f"certain: 0, presumed: {len(on)}, doubtful: 0",
    ]
    table = honest.run("who").out.splitlines()
    assert len(table) == len(on) + 1
    assert table[0].split() == ["USER", "MACHINE", "ROOM", "FROM", "TO", "CERTAINTY", "ADDRESS"]


def test_where_people_go_without_a_logoff_nobody_is_missed_and_doubts_are_counted_apart(careless: Played) -> None:
    ended = careless.run("who", "--json")
    rows = ended.json["sessions"]
    on = careless.school.truth.on_at(careless.now_us)
    assert on <= who(rows)
    assert who([row for row in rows if row["certainty"] == "certain"]) <= on
    counts = {grade: sum(row["certainty"] == grade for row in rows) for grade in ("certain", "presumed", "doubtful")}
    assert counts["doubtful"] > 0
    assert ended.notes[-1] == ", ".join(f"{grade}: {count}" for grade, count in counts.items())
    assert "doubtful: another user came" in careless.run("who").out


# ── who was there ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("time", ["yesterday 10:15", "hier 10h15", "2026-01-28T10:15", "2026-01-28 11:15+01:00"])
def test_who_was_in_a_room_yesterday(honest: Played, time: str) -> None:
    at_us = honest.day_us - DAY_US + 10 * HOUR_US + HOUR_US // 4
    there = in_room(honest, honest.school.truth.on_at(at_us), "A102")
    assert there
    ended = honest.run("who", "--room", "a102", "--at", time, "--json")
    assert who(ended.json["sessions"]) == there
    assert ended.notes == [
        "Room A102, Wednesday 28 January, 10:15",
        f"certain: {len(there)}, presumed: 0, doubtful: 0",
    ]


def test_who_was_on_a_machine_yesterday(honest: Played) -> None:
    at_us = honest.day_us - DAY_US + 10 * HOUR_US + HOUR_US // 4
    on = honest.school.truth.on_at(at_us)
    machines = [each.hostname for each in honest.school.building.rooms["A101"][:4]]
    for hostname in machines:
        ended = honest.run("sessions", "--host", hostname.lower(), "--at", "yesterday 10:15", "--json")
        assert who(ended.json["sessions"]) == {each for each in on if each[1] == folded_host(hostname)}


def test_what_is_called_certain_of_a_past_moment_is_never_false(careless: Played) -> None:
    for hour in (8, 10, 12, 14, 16):
        at_us = careless.day_us - DAY_US + hour * HOUR_US + HOUR_US // 2
        rows = careless.sessions("who", "--at", f"yesterday {hour}:30")
        on = careless.school.truth.on_at(at_us)
        assert who([row for row in rows if row["certainty"] == "certain"]) <= on
        clocks = {folded_host(host) for host in careless.school.wrong_clocks}
        assert {each for each in on if each[1] not in clocks} <= who(rows)


# ── where is somebody ─────────────────────────────────────────────────────────────────────────────────


def test_where_somebody_is(honest: Played) -> None:
    on = honest.school.truth.on_at(honest.now_us)
    name = min(short_user(user) for user, _ in on)
    hosts = {host for user, host in on if short_user(user) == name}
    ended = honest.run("user", name, "--json")
    assert {folded_host(row["hostname"]) for row in ended.json["now"]} == hosts
    assert re.match(
        rf"on now: certain: 0, presumed: {len(hosts)}, doubtful: 0; last seen 2026-01-29 10:0", ended.notes[1]
    )
    on_now = honest.run("user", name.upper()).out.partition("\n\n")[0]
    assert on_now.startswith("On now\nUSER ")
    assert all(host in folded(on_now) for host in hosts)


def test_where_somebody_was_who_is_not_on(honest: Played) -> None:
    truth = honest.school.truth
    on = {short_user(user) for user, _ in truth.on_at(honest.now_us)}
    last = next(
        each for each in reversed(truth.presences) if each.ended_us < honest.now_us and short_user(each.user) not in on
    )
    ended = honest.run("user", short_user(last.user), "--json")
    assert ended.json["now"] == []
    assert folded_host(ended.json["sessions"][0]["hostname"]) == last.host
    assert ended.notes[-1].startswith("not on now; last seen 2026-01-29 ")


def test_who_is_on_a_machine(honest: Played) -> None:
    user, host = next(each for each in honest.school.truth.on_at(honest.now_us) if each[1] != folded(TERMINAL_SERVER))
    ended = honest.run("machine", host, "--json")
    assert [folded(each["username"]) for each in ended.json["users"]] == [user]
    assert ended.notes[-1] == "1 user on now: certain: 0, presumed: 1, doubtful: 0"
    table = honest.run("machine", host).out
    assert re.findall(r"^(?:Now|Last|Hardware).*", table, re.MULTILINE)[:2] == ["Now", "Last sessions"]


# ── what is free ──────────────────────────────────────────────────────────────────────────────────────


def silent(played: Played, days: int) -> set[str]:
    """Return the machines of which nothing was received on the last days with a logon, today included."""
    received = (each.received_us for each in played.school.sent if each.action == "C")
    active = sorted({each // DAY_US for each in received if each < played.now_us})
    return played.school.truth.silent_machines(active[-days] * DAY_US, played.now_us)


def test_what_is_free_in_a_room(honest: Played) -> None:
    used = {host for _, host in honest.school.truth.on_at(honest.now_us)}
    room = {folded_host(each.hostname) for each in honest.school.building.rooms["A102"]}
    ended = honest.run("machines", "--room", "A102", "--state", "free", "--json")
    free = {folded_host(each["hostname"]) for each in ended.json["machines"]}
    assert free == room - used - silent(honest, 10)
    assert ended.notes == ["Room A102, state free", f"free: {len(free)}"]
    [counts] = [each for each in honest.run("rooms", "--json").json["rooms"] if each["name"] == "A102"]
    assert (counts["machines"], counts["in_use"], counts["free"]) == (len(room), len(room & used), len(free))


# ── how long ──────────────────────────────────────────────────────────────────────────────────────────


def hours_in(notes: list[str]) -> tuple[float, int, int, int]:
    """Return the hours, and the numbers of sessions with a known end, without one, and still open."""
    found = re.fullmatch(
        r"hours of the sessions with a known end: ([\d.]+) \((\d+) sessions?\);"
        r" without a known end, in no sum: (\d+); still open, in no sum: (\d+)",
        notes[-1],
    )
    assert found is not None, notes
    hours, *counts = found.groups()
    known, lost, still_open = map(int, counts)
    return float(hours), known, lost, still_open


def this_week(played: Played, user: str) -> list[Presence]:
    monday_us = played.day_us - 3 * DAY_US
    presences = played.school.truth.presences_of(user)
    return [each for each in presences if each.ended_us > monday_us and each.began_us < played.now_us]


def test_how_long_somebody_was_on_this_week(honest: Played) -> None:
    pupils = [person.name for group in honest.school.building.classes for person in group]
    busiest = sorted(pupils, key=lambda name: -len(this_week(honest, name)))[:5]
    for name in busiest:
        presences = this_week(honest, name)
        ended = [each for each in presences if each.ended_us < honest.now_us]
        hours, known, lost, still_open = hours_in(honest.run("sessions", "--user", name, "--from", "monday").notes)
        assert (known, lost, still_open) == (len(ended), 0, len(presences) - len(ended))
        assert hours == pytest.approx(sum(each.ended_us - each.began_us for each in ended) / HOUR_US, abs=0.06)


def test_sessions_without_a_known_end_are_counted_and_are_in_no_sum(careless: Played) -> None:
    clocks = {folded_host(host) for host in careless.school.wrong_clocks}
    pupils = [person.name for group in careless.school.building.classes for person in group]
    powered = [
        name
        for name in pupils
        if (presences := this_week(careless, name))
        and not clocks & {each.host for each in presences}
        and any(each.ending != "logoff" and each.ended_us < careless.now_us for each in presences)
    ][:5]
    for name in powered:
        presences = this_week(careless, name)
        known = [each for each in presences if each.ending == "logoff" and each.ended_us < careless.now_us]
        hours, *counts = hours_in(careless.run("sessions", "--user", name, "--from", "monday").notes)
        assert counts[0] == len(known)
        assert sum(counts) == len(presences)
        assert hours == pytest.approx(sum(each.ended_us - each.began_us for each in known) / HOUR_US, abs=0.06)


def test_only_the_hours_within_the_asked_time_count(honest: Played) -> None:
    """Of a lesson from 9 to 10 only a half counts if half past nine is the beginning."""
    begin_us = honest.day_us - DAY_US + 9 * HOUR_US + HOUR_US // 2
    near = honest.school.truth.presences_at(begin_us)
    one = next(each for each in near if each.began_us > begin_us - HOUR_US and each.host != folded(TERMINAL_SERVER))
    words = ("sessions", "--user", short_user(one.user), "--host", one.host)
    ended = honest.run(*words, "--from", "yesterday 9:30", "--to", "yesterday 10:00")
    assert ended.notes[0] == (
        f"User {short_user(one.user)}, machine {one.host}, from Wednesday 28 January, 09:30,"
        " to Wednesday 28 January, 10:00"
    )
    within_us = min(one.ended_us, begin_us + HOUR_US // 2) - begin_us
    assert hours_in(ended.notes)[0] == pytest.approx(within_us / HOUR_US, abs=0.06)


# ── what is silent, what has no end ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("days", [3, 10])
def test_what_has_been_silent_for_days(careless: Played, days: int) -> None:
    expected = silent(careless, days)
    ended = careless.run("machines", "--unseen", str(days), "--json")
    found = {folded_host(each["hostname"]): each["state"] for each in ended.json["machines"]}
    assert found.keys() == expected
    never = {host for host, state in found.items() if state == "never_seen"}
    heard = {folded_host(each.hostname) for each in careless.school.sent if each.received_us < careless.now_us}
    assert never == expected - heard
    assert never
    assert set(found.values()) == {"silent", "never_seen"}
    assert ended.notes[0] == f"All machines, without an event on the site's last {days} days with events"


def test_where_too_few_days_are_known_that_is_said(honest: Played) -> None:
    ended = honest.run("machines", "--unseen", "300", "--json")
    assert {each["state"] for each in ended.json["machines"]} == {"never_seen"}
    assert "the site has events of fewer than 300 days: only machines that were never seen are listed" in ended.notes


def test_which_sessions_have_no_end(careless: Played) -> None:
    """They are still open, or ended by the pair's next logon, or closed because they were open for too long.

    Who stays for more than a day logs off too late.
    """
    no_end = [
        row
        for words in (("--state", "open"), ("--ended-by", "auto"), ("--ended-by", "expired"))
        for row in careless.sessions("sessions", *words, "--limit", "100000")
    ]
    found = {(*each, us) for row in no_end for each in who([row]) if (us := moment(row["connected_at"]))}
    assert len(found) == len(no_end)
    begun = [each for each in careless.school.truth.presences if each.began_us < careless.now_us]
    without_logoff, longer = (
        {(each.user, each.host, moment(each.connected_at)) for each in some}
        for some in (
            [each for each in begun if (each.logoff_received_us or careless.now_us) >= careless.now_us],
            [each for each in begun if each.ended_us - each.began_us > DAY_US],
        )
    )
    assert without_logoff <= found <= without_logoff | longer
    assert found & longer


def moment(text: str) -> int:
    stored = stored_form(text)
    assert stored is not None
    moment_us = microseconds(stored)
    assert moment_us is not None
    return moment_us


# ── beside a running server ───────────────────────────────────────────────────────────────────────────

QUESTIONS = (
    ("who",),
    ("who", "--at", "yesterday 10:15"),
    ("sessions", "--from", "monday", "--limit", "1000"),
    ("machines",),
    ("rooms",),
    ("machine", "A101-03"),
    ("search", "a102", "yesterday", "10:15"),
)


def test_the_answers_are_the_same_with_and_without_a_server(careless: Played) -> None:
    alone = {words: careless.run(*words, "--json") for words in QUESTIONS}
    database = careless.folder / "data" / "winlog.db"
    assert sorted((path.name for path in database.parent.iterdir()), reverse=True) == ["winlog.db", "winlog.access"]
    with running(careless.folder, SETTINGS) as server:
        server.wait_until_settled()
        assert {words: careless.run(*words, "--json") for words in QUESTIONS} == alone
        assert server.stop() == 0
    assert {words: careless.run(*words, "--json") for words in QUESTIONS} == alone


def test_a_command_says_what_the_api_says(server: Winlogd, tmp_path: Path) -> None:
    for number in range(3):
        assert server.post(an_event(hostname=f"A102-0{number}", username=f"user{number}")).status == 200
    assert server.post(an_event(hostname="A102-01", username="user1", action="D")).status == 200
    for words, path in {
        ("sessions",): "sessions",
        ("sessions", "--limit", "2"): "sessions?limit=2",
        ("sessions", "--state", "open", "--user", "user*"): "sessions?state=open&user=user*",
        ("machines",): "machines",
        ("machine", "A102-01"): "machines/A102-01",
        ("user", "user1"): "users/user1",
        ("rooms",): "rooms",
        ("search", "user"): "search?q=user",
    }.items():
        ended = run_to_end(tmp_path, *words, "--json")
        assert (ended.returncode, ended.stdout) == (0, server.request("GET", f"/api/v1/{path}").body.decode() + "\n")
