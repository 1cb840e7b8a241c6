"""Keys that the administrator chooses: rooms, former names of rooms, exceptions by date, periods."""

from pathlib import Path

import pytest

from tests.support.configured import faults_of, from_toml
from winlogd.config.load import ConfigError, load

SCHOOL = """
[rooms]
A102 = ["A102-*"]
silent_days = 5
"Salle d'étude" = ["CDI-*", "PC-7"]
Empty = []
[rooms.aliases]
S12 = "A102"
[sessions]
closing = "19:00"
[sessions.closing_exceptions]
2026-07-14 = ""
2026-07-15 = "12:00"
[periods]
M1 = "08:00-09:00"
M2 = "09:00-10:00"
"""


def test_rooms_aliases_exceptions_and_periods_are_kept_in_the_order_of_the_file(folder: Path) -> None:
    config = from_toml(folder, SCHOOL)
    assert config.rooms.patterns == (("A102", ("A102-*",)), ("Salle d'étude", ("CDI-*", "PC-7")), ("Empty", ()))
    assert config.rooms.silent_days == 5
    assert config.rooms.aliases == (("S12", "A102"),)
    assert config.sessions.closing_exceptions == (("2026-07-14", ""), ("2026-07-15", "12:00"))
    assert config.periods.times == (("M1", "08:00-09:00"), ("M2", "09:00-10:00"))
    assert hash(config) == hash(load(None, {}))


ANOTHER = "the name must be another one: it is there twice, in different letters"
A_TIME = 'must be a time of day such as "01:00", or "" for never'
A_NAME = "the name must be 1 to 64 characters that print, without a space at its ends"
PATTERNS = 'must be a list of patterns of machines\' names, such as ["A102-*", "PC-7"]'


@pytest.mark.parametrize(
    ("section", "line", "fault"),
    [
        ("rooms", 'A102 = "A102-*"', f'rooms.A102 = "A102-*": {PATTERNS} (in brackets)'),
        ("rooms", "A102 = [5]", f"rooms.A102 = [5]: {PATTERNS} (5 is not text)"),
        ("rooms", 'A102 = [""]', f'rooms.A102 = [""]: {PATTERNS} (a pattern is empty)'),
        ("rooms", 'A102 = ["A", "A"]', f'rooms.A102 = ["A", "A"]: {PATTERNS} ("A" is there twice)'),
        ("rooms", 'A = ["a*b*c*d*e*"]', f'rooms.A = ["a*b*c*d*e*"]: {PATTERNS} ("a*b*c*d*e*" has more than 4 stars)'),
        ("rooms", 'A102 = ["\\n"]', f'rooms.A102 = ["\\n"]: {PATTERNS} (a pattern is empty)'),
        (
            "rooms",
            'A102 = ["a\\u202e"]',
            f'rooms.A102 = ["a\\u202e"]: {PATTERNS} ("a\\u202e" holds a character that does not print)',
        ),
        ("rooms", 'A.102 = ["A"]', f"rooms.A = {{...}}: {PATTERNS} (a name with a dot stands in quotes)"),
        ("rooms", '"" = ["A"]', f'rooms."": {A_NAME}'),
        ("rooms", '" A" = ["A"]', f'rooms." A": {A_NAME}'),
        ("rooms", '"A\\u0007" = ["A"]', f'rooms."A\\x07": {A_NAME}'),
        ("rooms", f'{"x" * 65} = ["A"]', f"rooms.{'x' * 60}...: {A_NAME}"),
        ("rooms", 'A = ["A"]\na = ["B"]', f"rooms.a: {ANOTHER}"),
        ("rooms", "silent_day = 5", "rooms.silent_day: unknown key; did you mean rooms.silent_days?"),
        ("rooms", 'room_file = "a"', "rooms.room_file: unknown key; did you mean rooms.rooms_file?"),
        ("rooms", 'Silent-Days = ["A"]', "rooms.Silent-Days: unknown key; did you mean rooms.silent_days?"),
        ("rooms", 'silent_days = ["A"]', 'rooms.silent_days = ["A"]: must be a whole number of days from 1 to 366'),
        ("rooms", 'alias = {S12 = "A"}', "rooms.alias: unknown key; did you mean rooms.aliases?"),
        ("rooms", 'aliases = ["S12"]', 'rooms.aliases = ["S12"]: must be a table: [rooms.aliases]'),
        ("rooms.aliases", "S12 = 1", None),
        ("rooms.aliases", '"\\t" = "A"', f'rooms.aliases."\\t": {A_NAME}'),
        (
            "rooms",
            'from_hostname = "A*{room}"',
            'rooms.from_hostname = "A*{room}": must be a name with {room} once and stars only behind it, '
            'such as "{room}-*", or "" for none',
        ),
        ("rooms", 'from_hostname = "{room}{room}"', None),
        ("rooms", 'from_hostname = "room-*"', None),
        ("rooms", 'from_hostname = "{room}*****"', None),
        ("sessions", 'multi_user = "TS-*"', None),
        ("sessions", 'closing = "7:00"', f'sessions.closing = "7:00": {A_TIME}'),
        ("sessions", "closing = 19:00:00", f"sessions.closing = 19:00:00: {A_TIME} (in quotes)"),
        ("sessions", "doubtful_after_hours = 0", None),
        ("sessions", "close = 1", "sessions.close: unknown key; did you mean sessions.closing?"),
        (
            "sessions.closing_exceptions",
            '2026-02-30 = ""',
            "sessions.closing_exceptions.2026-02-30: the name must be a date such as 2026-07-14",
        ),
        ("sessions.closing_exceptions", '20260714 = ""', None),
        (
            "sessions.closing_exceptions",
            "2026-07-14 = false",
            f"sessions.closing_exceptions.2026-07-14 = false: {A_TIME} (in quotes)",
        ),
        (
            "sessions.closing_exceptions",
            '2026-07-14 = "12:00"',
            '[sessions.closing_exceptions]: does nothing while sessions.closing is ""; set that, or leave this out',
        ),
        ("periods", 'M1 = "9:00-10:00"', 'periods.M1 = "9:00-10:00": must be a time such as "09:00-10:00"'),
        ("periods", 'M1 = "09:00"', 'periods.M1 = "09:00": must be a time such as "09:00-10:00"'),
        ("periods", 'M1 = "-"', None),
        ("periods", 'M1 = "08:00-09:00-10:00"', None),
        (
            "periods",
            'M1 = "10:00-10:00"',
            'periods.M1 = "10:00-10:00": must be a time such as "09:00-10:00" (it ends before it begins)',
        ),
        ("periods", "M1 = 9", 'periods.M1 = 9: must be a time such as "09:00-10:00" (in quotes)'),
        ("privacy", "person_profil = true", "privacy.person_profil: unknown key; did you mean privacy.person_profile?"),
        ("security", 'names = ["http://winlog"]', None),
        ("security", 'names = ["été"]', None),
        ("security", 'names = ["A", "a."]', None),
    ],
)  # fmt: skip
def test_a_wrong_name_or_value_is_one_line(section: str, line: str, fault: str | None, folder: Path) -> None:
    (found,) = faults_of(folder, f"[{section}]\n{line}\n")
    option = line.split("\n")[-1].partition(" ")[0].strip('"')
    assert found == fault if fault else found.startswith((f"{section}.{option} = ", f"{section}.{option}: "))


def test_all_faults_of_rooms_are_reported_at_once(folder: Path) -> None:
    text = '[rooms]\nA = 1\nsilent_days = 0\nB = ["B"]\n"" = []\n[rooms.aliases]\nC = 1\n[periods]\nM = 1\n'
    starts = [fault.partition(":")[0].partition(" =")[0] for fault in faults_of(folder, text)]
    assert starts == ["rooms.silent_days", "rooms.aliases.C", "rooms.A", 'rooms.""', "periods.M"]


@pytest.mark.parametrize(("name", "section"), [
    ("WINLOGD_ROOMS_A102", "rooms"),
    ("WINLOGD_ROOMS_ALIASES", "rooms"),
    ("WINLOGD_SESSIONS_CLOSING_EXCEPTIONS", "sessions"),
    ("WINLOGD_PERIODS_M1", "periods"),
])  # fmt: skip
def test_what_only_the_file_can_set_is_told_so(name: str, section: str, folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {name: "x"})
    assert caught.value.faults == (
        f"{name}: unknown variable; other keys of [{section}] than its options are set in the file",
    )


@pytest.mark.parametrize("line", ['Salle 3 = ["S3-*"]', 'étage = ["E-*"]', "étude = 1"])
def test_a_name_that_needs_quotes_is_told_so(line: str, folder: Path) -> None:
    (fault,) = faults_of(folder, f"[rooms]\n{line}\n")
    assert fault.startswith("is not valid TOML: ")
    assert fault.endswith('; a name with spaces, accents or other signs stands in quotes, such as "Room 3"')


# The list of machines


def test_the_list_of_machines_is_read_from_the_files_folder(folder: Path) -> None:
    (folder / "etc").mkdir()
    (folder / "etc" / "rooms.csv").write_bytes("\ufeffhostname;room\r\nPC-1;Été\r\n".encode())
    (folder / "etc" / "winlogd.toml").write_text('[rooms]\nrooms_file = "rooms.csv"\n')
    rooms = load("etc/winlogd.toml", {}).rooms
    assert rooms.rooms_file == f"{folder}/etc/rooms.csv"
    assert rooms.list_text == "hostname;room\r\nPC-1;Été\r\n"


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (None, "cannot be read: No such file or directory"),
        ("hostname,room\nPC-1,Été\n".encode("cp1252"), "line 2: is not UTF-8 text; save it as CSV UTF-8"),
    ],
)
def test_a_list_that_cannot_be_read_is_one_line(octets: bytes | None, fault: str, folder: Path) -> None:
    if octets is not None:
        (folder / "rooms.csv").write_bytes(octets)
    found = faults_of(folder, '[rooms]\nrooms_file = "rooms.csv"\n')
    assert len(found) == 1
    assert found[0].startswith('rooms.rooms_file = "/')
    assert found[0].endswith(f": {fault}")


def test_a_list_without_an_end_is_not_opened(folder: Path) -> None:
    (fault,) = faults_of(folder, '[rooms]\nrooms_file = "/dev/zero"\n')
    assert fault == 'rooms.rooms_file = "/dev/zero": is no list of machines: it is a device; name a file'
