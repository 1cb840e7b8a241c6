"""What a Python developer would write: FastAPI, Pydantic, uvicorn with uvloop and httptools, `sqlite3`.

One process, one transaction an event, the two indexes that the look-ups need. The statements run on the event loop:
handing each to a thread costs more than SQLite takes, as only one connection can write at a time anyway. Times that it
computes have microseconds, because `datetime` has.
"""

import hashlib
import logging
import os
import re
import sqlite3
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import orjson
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, field_validator

EVENTS = """
CREATE TABLE IF NOT EXISTS {table} (
    id INTEGER PRIMARY KEY AUTOINCREMENT, username VARCHAR(50) NOT NULL,
    action CHAR(1) NOT NULL CHECK (action IN ('C', 'D', 'M')), timestamp DATETIME NOT NULL, hostname VARCHAR(100),
    source_ip VARCHAR(45), server_timestamp DATETIME DEFAULT CURRENT_TIMESTAMP, os_name VARCHAR(50),
    os_version VARCHAR(100), kernel_version VARCHAR(50), hardware_info TEXT, session_uuid VARCHAR(100),
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP, origin TEXT NOT NULL DEFAULT 'client'
)"""
INDEXES = """
CREATE INDEX IF NOT EXISTS idx_today_look_up ON events_today(username, action, timestamp);
CREATE INDEX IF NOT EXISTS idx_today_logoff ON events_today(session_uuid) WHERE action = 'D';
CREATE INDEX IF NOT EXISTS idx_history_timestamp ON events_history(timestamp);
"""
FIND_SAME = "SELECT id, session_uuid FROM events_today WHERE username=? AND action=? AND timestamp=? AND hostname IS ?"
FIND_OPEN = """
SELECT session_uuid, timestamp FROM events_today c
WHERE username = ? AND action = 'C' AND coalesce(hostname, 'unknown') = ? AND NOT EXISTS
    (SELECT 1 FROM events_today d WHERE d.session_uuid = c.session_uuid AND d.action = 'D')
ORDER BY timestamp DESC"""
INSERT = """
INSERT INTO events_today (username, action, timestamp, hostname, source_ip, server_timestamp, os_name, os_version,
    kernel_version, hardware_info, session_uuid, origin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

STORED_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")

# Without control characters.
Username = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Hostname = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
OsText = Annotated[str, StringConstraints(max_length=256)]
NotEmpty = Annotated[str, StringConstraints(min_length=1)]


class OsInfo(BaseModel):
    """What the workstation runs."""

    model_config = ConfigDict(strict=True)

    os_name: OsText | None = None
    os_version: OsText | None = None
    kernel_version: OsText | None = None


class Event(BaseModel):
    """What a workstation sends."""

    model_config = ConfigDict(strict=True)

    username: Username
    action: NotEmpty
    timestamp: NotEmpty
    hostname: Hostname | None = None
    os_info: OsInfo | None = None
    hardware_info: Any = None

    @field_validator("hardware_info")
    @classmethod
    def as_text(cls, value: object) -> str | None:
        """Compact JSON text, as it is stored."""
        if value is None:
            return None
        text = orjson.dumps(value)
        if len(text) > 65_536:
            raise ValueError("must have at most 65536 bytes as compact JSON")
        return text.decode()


def connect() -> sqlite3.Connection:
    """The one connection, with its tables."""
    connection = sqlite3.connect(os.environ["PEER_DATABASE"], timeout=25, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {os.environ['PEER_SYNCHRONOUS']}")
    connection.execute("PRAGMA cache_size = 10000")
    for table in ("events_today", "events_history"):
        connection.execute(EVENTS.format(table=table))
    connection.executescript(INDEXES)
    return connection


log = logging.getLogger("events")
database = connect()
app = FastAPI()


@app.get("/health")
async def health() -> dict[str, str]:
    """That the process is alive."""
    return {"status": "ok", "service": "winlog-server", "version": "1.0.0"}


@app.post("/api/v1/events")
async def take(request: Request) -> Response:
    """One event; FastAPI's own validation would come before the checks of the headers."""
    if not request.headers.get("user-agent", "").startswith("Winlog/0.1.0"):
        return JSONResponse({"error": "Invalid User-Agent"}, 403)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return JSONResponse({"error": "Invalid Content-Type", "expected": "application/json"}, 415)
    body = await request.body()
    if not body:
        return JSONResponse({"error": "Empty request body"}, 400)
    try:
        event = Event.model_validate_json(body)
    except ValidationError as error:
        return refused(error)
    if event.action not in ("C", "D", "M"):
        return JSONResponse({"error": f"Invalid action: {event.action}"}, 400)
    timestamp = stored_form(event.timestamp)
    if timestamp is None:
        return JSONResponse({"error": "Invalid timestamp format (expected ISO 8601)"}, 400)
    try:
        event_id, session_uuid = store(event, timestamp, source_ip(request))
    except sqlite3.Error:
        log.exception("event not stored")
        return JSONResponse({"error": "Database error"}, 503, {"Retry-After": "1"})
    log.info("event stored id=%d action=%s session=%s", event_id, event.action, session_uuid)
    return JSONResponse(
        {
            "status": "success",
            "message": "Data stored in database",
            "event_id": event_id,
            "session_uuid": session_uuid,
            "action": event.action,
            "username": event.username,
        }
    )


def refused(error: ValidationError) -> JSONResponse:
    """The answer to a body that is no event."""
    faults = error.errors(include_url=False, include_context=False)
    if faults[0]["type"] == "json_invalid":
        return JSONResponse({"error": "Invalid JSON", "details": faults[0]["msg"]}, 400)
    details = {".".join(map(str, fault["loc"])) or "body": fault["msg"] for fault in faults}
    return JSONResponse({"error": "Invalid JSON structure: missing required fields", "details": details}, 400)


def stored_form(text: str) -> str | None:
    """The timestamp as it came, or rewritten to UTC; None when it is none."""
    if len(text) > 64:
        return None
    with suppress(ValueError):
        moment = datetime.fromisoformat(text.replace(":60", ":59").upper())
        if moment.tzinfo is not None and 1970 <= moment.astimezone(UTC).year <= 9998:
            return text if STORED_FORM.fullmatch(text) else moment.astimezone(UTC).isoformat()
    return None


def source_ip(request: Request) -> str | None:
    """The client's address; the bench's only proxy would be on this machine."""
    forwarded = request.headers.get("cf-connecting-ip") or request.headers.get("x-forwarded-for")
    if forwarded:
        return forwarded.partition(",")[0].strip()
    return request.client.host if request.client else None


def new_uuid(username: str, host: str, timestamp: str) -> str:
    """A new identifier of a session."""
    text = f"{username}{host}{timestamp[:10]}{time.time_ns()}"
    return f"{username}@{host}@{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:6]}"


def store(event: Event, timestamp: str, address: str | None) -> tuple[int, str]:
    """Stores `event` and what it closes in one transaction; (id, session_uuid)."""
    hostname = event.hostname or None
    host = hostname or "unknown"
    os_info = event.os_info or OsInfo()
    system = (os_info.os_name, os_info.os_version, os_info.kernel_version)
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    with database:
        database.execute("BEGIN IMMEDIATE")
        same = database.execute(FIND_SAME, (event.username, event.action, timestamp, hostname)).fetchone()
        if same:
            return int(same[0]), str(same[1])
        session_uuid = new_uuid(event.username, host, timestamp)
        if event.action == "C":
            for opened, since in database.execute(FIND_OPEN, (event.username, host)).fetchall():
                before = datetime.fromisoformat(timestamp.replace(":60", ":59")) - timedelta(seconds=1)
                ended = max(before, datetime.fromisoformat(since)).astimezone(UTC).isoformat()
                closing = (event.username, "D", ended, hostname, address, now, *system, None, opened, "auto")
                database.execute(INSERT, closing)
        elif event.action == "D":
            found = database.execute(FIND_OPEN, (event.username, host)).fetchone()
            session_uuid = found[0] if found else f"orphan_{session_uuid}"
        else:
            session_uuid = f"hardware_{session_uuid}"
        row = (event.username, event.action, timestamp, hostname, address, now, *system)
        stored = database.execute(INSERT, (*row, event.hardware_info, session_uuid, "client"))
        return int(stored.lastrowid or 0), session_uuid


if __name__ == "__main__":
    level = os.environ["PEER_LOG_LEVEL"].upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s")
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PEER_PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,  # the line an event is written above
        log_config=None,
        backlog=4096,
        timeout_keep_alive=75,
    )
