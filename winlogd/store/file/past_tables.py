"""The tables of the past: one row a session, and what a reader of the archive needs besides.

They are winlogd's own and no part of what it promises: the view ``sessions`` is. All of them follow from
``events_history`` and can be built again (`store.jobs.build`). How rows are written is in `store.past`.

At 5 million rows of the archive, text columns with four indexes would take 1 098 MB. Numbers of names, offsets instead
of times, and three indexes take 259 MB.
"""

from typing import Final

PAST_TABLES: Final = {
    # One row a spelling of a user, a host, an address or an operating system. `kind` is one of `store.past.names`. A
    # name that the client did not send is a row, too (NULL): then inner joins find all sessions.
    "winlogd_names": """(
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    name TEXT,
    folded TEXT NOT NULL,
    short TEXT NOT NULL
)""",
    # One row a session whose logon is in events_history, or a logoff without a logon. `key` is `sessions.session_key`.
    # Times are microseconds: `micros` of the second in the key, `connected` and `logoff` after the receipt of the
    # logon, `disconnected` after the receipt of the logoff. NULL in `connected` and `disconnected`: no difference. NULL
    # in `logoff`: there is none. `since` and `until`, since 1970, are set where a session is not within a day after its
    # key. `ended_by`: 1 client, 2 auto, 3 expired, 4 a logoff without a logon. `identifier`: the six digits as a
    # number, or the whole text if they do not follow the names.
    "winlogd_past": """(
    key INTEGER PRIMARY KEY,
    user INTEGER NOT NULL,
    host INTEGER NOT NULL,
    ip INTEGER NOT NULL,
    micros INTEGER NOT NULL,
    connected INTEGER,
    logoff INTEGER,
    disconnected INTEGER,
    os_name INTEGER NOT NULL,
    os_version INTEGER NOT NULL,
    ended_by INTEGER NOT NULL,
    since INTEGER,
    until INTEGER,
    identifier
)""",
    # Where the rows of events_today went: `count` rows from `today_id` on are those from `history_id` on.
    "winlogd_runs": """(
    today_id INTEGER PRIMARY KEY,
    history_id INTEGER NOT NULL,
    count INTEGER NOT NULL,
    moved_s INTEGER NOT NULL
)""",
    # Rows of events_history, by their ids, that were not taken into the past yet.
    "winlogd_ranges": """(
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL
)""",
    # Rows that others have deleted from events_history, as far as the past depends on them, until it is repaired.
    "winlogd_gone": """(
    id INTEGER PRIMARY KEY,
    action,
    hostname,
    timestamp,
    server_timestamp,
    created_at,
    session_uuid
)""",
    # When a machine sent its hardware: the key as in winlogd_past, and the row in events_history.
    "winlogd_inventory": """(
    host INTEGER NOT NULL,
    key INTEGER NOT NULL,
    history_id INTEGER NOT NULL,
    PRIMARY KEY (host, key)
) WITHOUT ROWID""",
    # One row a changed value of a machine's hardware. `path` leads to the value; `old` and `new` are JSON.
    "winlogd_hardware": """(
    id INTEGER PRIMARY KEY,
    host INTEGER NOT NULL,
    key INTEGER NOT NULL,
    path TEXT NOT NULL,
    old TEXT,
    new TEXT
)""",
    # Hours since 1970 with a logon or a session: logons, distinct users, and the most sessions that were on at once.
    "winlogd_hours": """(
    hour INTEGER PRIMARY KEY,
    logons INTEGER NOT NULL,
    users INTEGER NOT NULL,
    most INTEGER NOT NULL
)""",
}

PAST_INDEXES: Final = {
    # The name first: the view `sessions` looks for a name without its kind.
    "winlogd_names_name": "winlogd_names(name, kind)",
    "winlogd_names_folded": "winlogd_names(kind, folded)",
    "winlogd_names_short": "winlogd_names(kind, short)",
    # Each ends with the key (rowidtable.html): newest first, a span and the next page need no other index.
    "winlogd_past_user": "winlogd_past(user)",
    "winlogd_past_host": "winlogd_past(host)",
    "winlogd_past_ip": "winlogd_past(ip)",
    # Who was on at an instant: the sessions of one day of the key, and these few.
    "winlogd_past_lasting": "winlogd_past(since, until) WHERE since IS NOT NULL",
    "winlogd_past_ended": "winlogd_past(ended_by) WHERE ended_by > 1",
    "winlogd_gone_session": "winlogd_gone(session_uuid)",
    "winlogd_hardware_host": "winlogd_hardware(host, key)",
}

PAST_TRIGGERS: Final = {
    # A logoff that others delete from today opens its session again. A reader has to notice: it keeps what it has read.
    "winlogd_today_deleted": """AFTER DELETE ON events_today BEGIN
    UPDATE winlogd_meta SET value = value + 1 WHERE key = 'today_deletions';
END""",
    # Rows that others delete from the archive are still in the past. It is repaired from the noted rows. If there are
    # more than these, the counter makes winlogd build it again.
    "winlogd_history_deleted": """AFTER DELETE ON events_history BEGIN
    UPDATE winlogd_meta SET value = value + 1 WHERE key = 'history_deletions';
    INSERT OR REPLACE INTO winlogd_gone (id, action, hostname, timestamp, server_timestamp, created_at, session_uuid)
    SELECT OLD.id, OLD.action, OLD.hostname, OLD.timestamp, OLD.server_timestamp, OLD.created_at, OLD.session_uuid
    WHERE (SELECT value FROM winlogd_meta WHERE key = 'history_deletions')
        - (SELECT value FROM winlogd_meta WHERE key = 'history_deletions_seen') <= 50000;
END""",
    # Rows that others change there count the same: these are the columns that the past is built from. A trigger of
    # others may change each row that the rotation copies: such a row is not in the past yet, and does not count.
    "winlogd_history_changed": """AFTER UPDATE OF id, username, action, timestamp, hostname, source_ip,
    server_timestamp, os_name, os_version, hardware_info, session_uuid, created_at, origin ON events_history
    WHEN old.id <= (SELECT CAST(value AS INTEGER) FROM winlogd_meta WHERE key = 'history_taken_in') BEGIN
    UPDATE winlogd_meta SET value = value + 1 WHERE key = 'history_deletions';
END""",
}
