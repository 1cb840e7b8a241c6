"""What a browser does without a script: it sends forms, keeps cookies and follows redirects."""

import http.client
import ssl
from collections.abc import Mapping
from contextlib import closing
from typing import Final
from urllib.parse import urlencode

from tests.support.readers import CERTIFICATE
from tests.support.running import PATIENCE_S, Answer, read_answer

FORM: Final = "application/x-www-form-urlencoded"
OURS: Final = {"Sec-Fetch-Site": "same-origin"}
"""What a browser writes if a page of the server itself sends a form."""
NAVIGATION: Final = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}

STARTS: Final = frozenset(("/", "/wall", "/readers-log", "/account"))
"""The start pages of the scopes."""


class Browser:
    """A browser on this machine.

    Args:
        port: the server's port.
        is_tls: True if the port speaks TLS.
        fields: header fields of each request.

    Attributes:
        cookie: the cookie that it keeps, as ``name=value``; empty for none.
    """

    def __init__(self, port: int, is_tls: bool = False, fields: Mapping[str, str] | None = None) -> None:
        self._port = port
        self._context = ssl.create_default_context(cafile=CERTIFICATE) if is_tls else None
        if self._context is not None:
            self._context.check_hostname = False
        self._fields = dict(fields or {})
        self.cookie = ""

    def get(self, path: str, **fields: str) -> Answer:
        """Ask for something as a program does; `_` in the name of a field stands for `-`."""
        return self.send("GET", path, None, {name.replace("_", "-"): value for name, value in fields.items()})

    def open(self, path: str) -> Answer:
        """Ask for a page as a person does."""
        return self.send("GET", path, None, NAVIGATION)

    def post(self, path: str, **values: str) -> Answer:
        """Send a form of a page of the server."""
        return self.send("POST", path, urlencode(values).encode(), OURS | NAVIGATION | {"Content-Type": FORM})

    def log_in(self, token: str) -> None:
        """Log in with a token, which has to be right."""
        answer = self.post("/login", token=token)
        assert (answer.status, answer.headers["location"] in STARTS) == (303, True), answer.body.decode()

    def send(self, method: str, path: str, body: bytes | None, fields: Mapping[str, str]) -> Answer:
        """Send a request, and keep the cookie of the answer."""
        headers = self._fields | dict(fields) | ({"Cookie": self.cookie} if self.cookie else {})
        with closing(self._connection()) as connection:
            connection.request(method, path, body, headers)
            answer = read_answer(connection)
        if "set-cookie" in answer.headers:
            pair = answer.headers["set-cookie"].partition(";")[0]
            self.cookie = pair if pair.partition("=")[2] else ""
        return answer

    def _connection(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        return http.client.HTTPSConnection("127.0.0.1", self._port, timeout=PATIENCE_S, context=self._context)
