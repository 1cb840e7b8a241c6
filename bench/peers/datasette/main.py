"""Datasette with its own settings, on the file of winlogd: SQL over HTTP for those who need no API.

It reads the file and writes nothing. /health is answered here, because Datasette has none.
"""

import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from datasette.app import Datasette  # type: ignore[import-not-found]  # an environment of its own has it

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

DATASETTE = Datasette([os.environ["PEER_DATABASE"]], settings={"sql_time_limit_ms": 10_000})
"""By default a statement may take a second, and most questions would fail."""
ANSWERS = DATASETTE.app()


async def serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer /health, and let Datasette answer the rest."""
    if scope.get("path") != "/health":
        await ANSWERS(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    uvicorn.run(serve, host="127.0.0.1", port=int(os.environ["PEER_PORT"]), log_level="error")
