"""How long the tasks of a page are: the processor's time of each, by Chromium's trace."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_CATEGORIES: Final = ["-*", "toplevel", "disabled-by-default-devtools.timeline"]
_TASKS: Final = ("RunTask", "ThreadControllerImpl::RunTask")
_MAIN: Final = "CrRendererMain"


@contextmanager
def traced(browser: "Browser", page: "Page") -> Iterator[list[float]]:
    """Trace a page. At the end the list has the milliseconds of the processor that each task of it took, longest first.

    The processor's time does not depend on what else the machine does.
    """
    found: list[float] = []
    browser.start_tracing(page=page, categories=_CATEGORIES)
    try:
        yield found
    finally:
        events = json.loads(browser.stop_tracing())["traceEvents"]
        mains = {(each["pid"], each["tid"]) for each in events
                 if each["name"] == "thread_name" and each["args"]["name"] == _MAIN}  # fmt: skip
        tasks = (each for each in events if each["name"] in _TASKS and (each["pid"], each["tid"]) in mains)
        found += sorted((each.get("tdur", 0) / 1000 for each in tasks), reverse=True)
