"""A real Prometheus reads winlogd as docs/monitoring.md says, and understands the alert rules and the dashboard."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.docs.pages import block
from tests.support.dashboards import FOLDER, alerts, panels
from tests.support.readers import add_reader
from tests.support.running import PATIENCE_S, Winlogd, a_steady_port, an_event, running, wait_for
from tests.support.scraping import needs_prometheus
from winlogd.api.metrics_table import FAMILIES

pytestmark = [needs_prometheus, pytest.mark.long]  # Prometheus takes some seconds

NOT_AT_FIRST: Final = "winlogd_last_retention_timestamp_seconds"


class Prometheus:
    """A Prometheus on 127.0.0.1, with a folder of its own."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}/api/v1"
        self._open = build_opener(ProxyHandler({})).open

    def ask(self, path: str, **parameters: str) -> Any:  # noqa: ANN401  # any JSON value
        """Return the data of an answer."""
        with self._open(f"{self._address}/{path}?{urlencode(parameters)}", timeout=PATIENCE_S) as answer:
            found = json.load(answer)
        assert found["status"] == "success"
        return found["data"]

    def value(self, query: str) -> float | None:
        """Return the only value of a query; None if there is none yet."""
        result = self.ask("query", query=query)["result"]
        return float(result[0]["value"][1]) if result else None

    def has_started(self) -> bool:
        """Return True if it answers."""
        try:
            self.ask("status/runtimeinfo")
        except OSError:
            return False
        return True


@contextmanager
def prometheus(folder: Path, server: Winlogd, token: str) -> Iterator[Prometheus]:
    """Run Prometheus with the configuration of the page, which reads `server` each second."""
    (folder / "token").write_text(token)
    settings = block("scrape_configs:").text
    for old, new in (
        ("/etc/prometheus/winlogd.token", str(folder / "token")),
        ("127.0.0.1:3000", f"127.0.0.1:{server.port}"),
    ):
        assert settings.count(old) == 1
        settings = settings.replace(old, new)
    rules = block("rule_files:").text.replace("winlogd-alerts.yml", str(FOLDER / "alerts.yml"))
    fast = "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  evaluation_interval: 1s\n"
    (folder / "prometheus.yml").write_text(f"{fast}{rules}{settings}")
    port = a_steady_port()
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    asked = Prometheus(port)
    try:
        wait_for(asked.has_started, "Prometheus", process)
        yield asked
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def test_prometheus_reads_all_figures_with_a_token_and_understands_all_queries(tmp_path: Path) -> None:
    for name in ("winlogd", "prometheus"):
        (tmp_path / name).mkdir()
    with running(tmp_path / "winlogd") as server:
        server.wait_until_it_obeys()
        token = add_reader(server.folder, "prometheus", "--scope", "metrics")
        server.post(an_event())
        with prometheus(tmp_path / "prometheus", server, token) as asked:
            stored = 'winlogd_events_total{action="C"}'
            wait_for(lambda: asked.value(stored) == 1, "the first event in Prometheus")
            for number in range(3):
                server.post(an_event(username=f"user{number}"))
            wait_for(lambda: asked.value(stored) == 4, "the next events in Prometheus")

            [target] = asked.ask("targets")["activeTargets"]
            assert (target["health"], target["lastError"]) == ("up", "")
            kinds = {name: entries[0]["type"] for name, entries in asked.ask("metadata").items()}
            assert kinds == {family.name: family.kind for family in FAMILIES if family.name != NOT_AT_FIRST}
            assert [rule["name"] for rule in _rules(asked)] == list(alerts())
            wait_for(lambda: all(_is_evaluated(rule) for rule in _rules(asked)), "each rule's evaluation")
            for title, query in panels():
                assert asked.ask("query", query=query)["resultType"] == "vector", title

            server.kill()
            wait_for(lambda: asked.value('ALERTS{alertname="WinlogdDown", alertstate="pending"}') == 1, "the alert")


def test_prometheus_without_a_token_is_refused_once_there_is_a_reader(tmp_path: Path) -> None:
    for name in ("winlogd", "prometheus"):
        (tmp_path / name).mkdir()
    with running(tmp_path / "winlogd") as server:
        server.wait_until_it_obeys()
        add_reader(server.folder, "prometheus", "--scope", "metrics")
        with prometheus(tmp_path / "prometheus", server, "0" * 32) as asked:
            wait_for(lambda: re.search("403|429", str(_target(asked)["lastError"])), "a refused scrape")
            assert asked.value("winlogd_writable") is None


def _target(asked: Prometheus) -> Any:  # noqa: ANN401  # JSON
    found = asked.ask("targets")["activeTargets"]
    return found[0] if found else {"lastError": ""}


def _rules(asked: Prometheus) -> list[Any]:
    return [rule for group in asked.ask("rules")["groups"] for rule in group["rules"]]


def _is_evaluated(rule: Any) -> bool:  # noqa: ANN401  # JSON
    assert rule["health"] in ("unknown", "ok"), rule
    return bool(rule["health"] == "ok")
