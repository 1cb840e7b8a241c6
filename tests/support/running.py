"""A winlogd process for tests: starts on a free port, answers over real sockets, is stopped by its own pid."""

import http.client
import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

PATIENCE_S: Final = 30.0
"""How long a test waits for an event that must happen: far more than it takes, even on a busy machine."""

COMMAND_PATIENCE_S: Final = 4 * PATIENCE_S
"""The same for a command. Those that ask questions give way: beside busy programs they get a tenth of their time."""

A_SMALL_DISK_WILL_DO: Final = {"WINLOGD_LIMITS_MIN_FREE_DISK": "0"}
MORE_THAN_THERE_IS: Final = {"WINLOGD_LIMITS_MIN_FREE_DISK": "1000000000"}
"""The free space that winlogd needs: none, and a thousand TB."""

CLIENT_HEADERS: Final = {"User-Agent": "Winlog/0.1.0", "Content-Type": "application/json"}


class Answer(NamedTuple):
    """An HTTP answer; `headers` by name in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401  # any JSON value
        return json.loads(self.body)


def an_event(**fields: object) -> dict[str, object]:
    """Return an event as a workstation sends it. `fields` replace or add fields."""
    event: dict[str, object] = {
        "username": "alice",
        "action": "C",
        "timestamp": "2026-01-13T08:30:00.123456789+00:00",
        "hostname": "A102-07",
        "os_info": {"os_name": "Windows", "os_version": "11 (26100)", "kernel_version": "26100"},
        "hardware_info": None,
    }
    return event | fields


class Winlogd:
    """A server process with its own folder.

    Args:
        folder: holds config.toml, the database and the log.
        settings: the text of config.toml. Leave the port out: `port` replaces it.
        environ: variables besides the inherited ones.
        port: the port to listen on; 0 lets the system choose.

    Attributes:
        command: the command line.
        inherited: the descriptors that the process inherits, besides the standard ones.
    """

    def __init__(
        self, folder: Path, settings: str = "", environ: Mapping[str, str] | None = None, port: int = 0
    ) -> None:
        self.folder = folder
        self.database = folder / "data" / "winlog.db"
        self.log_file = folder / "winlogd.log"
        self._environ = {
            **os.environ, **A_SMALL_DISK_WILL_DO, "WINLOGD_SERVER_PORT": str(port), **(environ or {})
        }  # fmt: skip
        (folder / "config.toml").write_text(settings)
        self.command: tuple[str, ...] = (sys.executable, "-m", "winlogd", "--config", "config.toml")
        self.inherited: tuple[int, ...] = ()
        self.process: subprocess.Popen[bytes]
        self.port = 0

    def start(self) -> "Winlogd":
        """Start the process and wait until it listens."""
        self.spawn()
        self.port = int(self.wait_for_log(r"listening address=\S+ port=(\d+)")[1])
        return self

    def spawn(self) -> None:
        """Start the process. Do not wait."""
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, stderr=log, env=self._environ, pass_fds=self.inherited
            )

    def stop(self) -> int:
        """Ask the process to stop, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end of the process, and return its exit status."""
        return self.process.wait(PATIENCE_S)

    def restart(self) -> None:
        """Start the process again after its end, on the same port and with the same folder."""
        self._environ["WINLOGD_SERVER_PORT"] = str(self.port)
        self.start()

    def kill(self) -> None:
        """End the process as a crash would."""
        self.process.kill()
        self.process.wait(PATIENCE_S)

    @property
    def log(self) -> str:
        """Return the log so far."""
        return self.log_file.read_text("utf-8")

    def wait_for_log(self, pattern: str) -> re.Match[str]:
        """Wait for a line that matches `pattern`, and return the match."""
        found: re.Match[str] = wait_for(
            lambda: re.search(pattern, self.log), f"a log line like {pattern!r}", self.process
        )
        return found

    def wait_until_open(self) -> None:
        """Wait until the open sessions are in memory."""
        self.wait_for_log("database opened")

    def wait_until_it_obeys(self) -> None:
        """Wait until the database is open and the control socket listens, which it does after the ports."""
        self.wait_until_open()
        assert self.request("GET", "/health").status == 200  # the loop opens that socket before it goes on

    def wait_until_settled(self) -> None:
        """Wait until the server has marked the first day of a new database: it is idle then."""
        self.wait_until_open()
        wait_for(
            lambda: self.rows("SELECT * FROM winlogd_meta WHERE key = 'rotated_day'"), "the marked day", self.process
        )

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request on a new connection, and return the answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)) as connection:
            connection.request(method, path, body, dict(headers or {}))
            return read_answer(connection)

    def post(self, event: object, headers: Mapping[str, str] | None = None) -> Answer:
        """Send an event as a workstation does, and return the answer."""
        sent = CLIENT_HEADERS | dict(headers or {})
        return self.request("POST", "/api/v1/events", json.dumps(event).encode(), sent)

    def rows(self, sql: str = "SELECT * FROM events_today ORDER BY id", *values: object) -> list[dict[str, Any]]:
        """Return the rows of a query, through a new connection to the database."""
        with closing(sqlite3.connect(self.database, timeout=PATIENCE_S)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, values)]

    def rotate(self, within_s: float = PATIENCE_S) -> str:
        """Ask the server for a rotation as ``winlogd rotate`` does.

        Returns:
            ``ok`` or ``error`` and a sentence; empty if the server dies.

        Raises:
            OSError: the server does not run, or dies.
            TimeoutError: the rotation takes longer than `within_s`.
        """
        end = time.monotonic() + within_s
        answer = b""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(within_s)
            sock.connect(str(self.database.with_name("winlog.db.control")))
            sock.sendall(b'{"order":"rotate"}\n')
            while piece := sock.recv(65_536):
                answer += piece
                sock.settimeout(max(end - time.monotonic(), 0.001))
        match json.loads(answer.splitlines()[-1]) if answer.endswith(b"\n") else None:
            case {"done": {"sentence": sentence}}:
                return f"ok {sentence}"
            case {"error": sentence}:
                return f"error {sentence}"
        return ""

    def execute(self, sql: str, *values: object) -> None:
        """Write to the database as another program does."""
        with closing(sqlite3.connect(self.database, timeout=PATIENCE_S)) as connection, connection:
            connection.execute(sql, values)


def run_to_end(folder: Path, *words: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run winlogd with these words on the command line, in `folder`, until it ends by itself."""
    command = [sys.executable, "-m", "winlogd", *words]
    env = {**os.environ, **A_SMALL_DISK_WILL_DO, "WINLOGD_SERVER_PORT": "0", **(environ or {})}
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=COMMAND_PATIENCE_S, check=False
    )


def a_steady_port() -> int:
    """Return a free port below the range from which the system chooses, so that no other program gets it.

    For servers that start again on the same port while their clients go on trying.
    """
    lowest_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(1024, lowest_ephemeral)
        with closing(socket.socket()) as sock, suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port


def listening_port(pid: int) -> int | None:
    """Return the port of a process's listening socket, or None (proc(5); state 0A is LISTEN)."""
    inodes = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(FileNotFoundError):  # closed in between
            inodes.add(os.readlink(f"/proc/{pid}/fd/{name}").removeprefix("socket:[").removesuffix("]"))
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in inodes:
            return int(fields[1].partition(":")[2], 16)
    return None


def read_answer(connection: http.client.HTTPConnection) -> Answer:
    """Return the answer to the request that was sent on `connection`."""
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def wait_for(check: Callable[[], Any], what: str, process: subprocess.Popen[bytes] | None = None) -> Any:  # noqa: ANN401
    """Wait until `check()` is true, and return its result. Fail after `PATIENCE_S`, or when `process` has ended."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        if process is not None and process.poll() is not None and not check():
            raise AssertionError(f"winlogd has ended with status {process.returncode} while waiting for {what}")
        time.sleep(0.005)
    raise AssertionError(f"waited in vain for {what}")


def until_stored(server: Winlogd, event: dict[str, object]) -> Answer:
    """Send an event until the answer is 200, as clients do: a busy machine may take longer than the time limit."""
    stored: Answer = wait_for(
        lambda: answer if (answer := server.post(event)).status == 200 else None, "a 200", server.process
    )
    return stored


@contextmanager
def running(
    folder: Path, settings: str = "", environ: Mapping[str, str] | None = None, port: int = 0
) -> Iterator[Winlogd]:
    """Start a server, and kill it at the end of the block if it still runs."""
    server = Winlogd(folder, settings, environ, port)
    try:
        yield server.start()
    finally:
        if hasattr(server, "process") and server.process.poll() is None:
            server.kill()
