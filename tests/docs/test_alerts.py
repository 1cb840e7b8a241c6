"""The alert rules and the dashboard are right: each query is understood, names figures that exist, and is tested."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import TEXTS
from tests.support.dashboards import DASHBOARD, FOLDER, alerts, figures_of, panels
from tests.support.running import CLIENT_HEADERS, an_event, running
from tests.support.scraping import needs_prometheus, scrape
from winlogd.access.rate import _refusal
from winlogd.api.events import _FAILED, UNAVAILABLE
from winlogd.api.metrics_table import FAMILIES
from winlogd.http.responses import TOO_MANY, TOO_MANY_OF_ADDRESS

HISTOGRAMS: Final = {family.name for family in FAMILIES if family.kind == "histogram"}
KNOWN: Final = {
    *(family.name for family in FAMILIES if family.name not in HISTOGRAMS),
    *(f"{name}_{suffix}" for name in HISTOGRAMS for suffix in ("bucket", "sum", "count")),
    "up",  # Prometheus' own
}
QUERIES: Final = [*alerts().items(), *panels()]
TESTS: Final = (FOLDER / "alerts_test.yml").read_text("utf-8")


def promtool(*words: str) -> None:
    ended = subprocess.run(["promtool", *words], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(("name", "query"), QUERIES)
def test_a_query_names_only_figures_that_the_server_has(name: str, query: str) -> None:
    assert figures_of(query), name
    assert figures_of(query) <= KNOWN


def test_a_figure_that_does_not_exist_is_found_in_a_query() -> None:
    query = 'sum by (le) (rate(winlogd_x_bucket{kind="event"}[5m])) / on () winlogd_y > 2 and hour() < 8'
    assert figures_of(query) == {"winlogd_x_bucket", "winlogd_y"}


@pytest.mark.parametrize("alert", alerts())
def test_an_alert_is_tested_when_it_is_quiet_and_when_it_fires(alert: str) -> None:
    assert len(re.findall(rf"alertname: {alert}, exp_alerts: \[\]", TESTS)) == 1
    assert len(re.findall(rf"alertname: {alert}\n +exp_alerts:\n +- exp_labels", TESTS)) == 1


def test_the_page_has_advice_for_each_alert() -> None:
    assert re.findall(r"^\| `(Winlogd\w+)` \|", TEXTS["docs/monitoring.md"], re.MULTILINE) == list(alerts())


def test_panels_do_not_cover_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def pattern_of(alert: str) -> str:
    match = re.search(r'reason=~ "([^"]+)"', alerts()[alert])
    assert match is not None
    return match[1]


def test_the_alert_about_lost_events_knows_the_reasons_of_the_server() -> None:
    reasons = [UNAVAILABLE.reason, _FAILED.reason, TOO_MANY.reason, TOO_MANY_OF_ADDRESS.reason]
    reasons.append(_refusal(1.0, b"").reason)
    for reason in reasons:
        assert re.fullmatch(pattern_of("WinlogdEventsLost"), reason)


@pytest.mark.long
def test_the_alert_about_wrong_clients_knows_the_reasons_of_the_server(tmp_path: Path) -> None:
    with running(tmp_path, '[security]\ningest_networks = ["127.0.0.1"]\n') as server:
        server.wait_until_open()
        faults = [{"action": "X"}, {"username": ""}, {"timestamp": "now"}]
        answers = [server.post(an_event(**fault)) for fault in faults]
        for fields in ({"User-Agent": "curl"}, {"Content-Type": "text/plain"}, {"X-Forwarded-For": "192.0.2.1"}):
            answers.append(server.post(an_event(), headers=fields))
        answers.append(server.request("POST", "/api/v1/events", b"{", CLIENT_HEADERS))
        answers.append(server.request("POST", "/api/v1/events", b"", CLIENT_HEADERS))
        answers.append(server.request("POST", "/api/v1/events", b" " * 2_000_000, CLIENT_HEADERS))
        answers.append(server.request("POST", "/api/v1/event", b"{}", CLIENT_HEADERS))
        assert all(answer.status >= 400 for answer in answers)
        scraped = scrape(server)
    refused = [
        labels["reason"]
        for key, labels in scraped.labels.items()
        if labels[""] == "winlogd_refusals_total" and scraped.samples[key]
    ]
    assert len(refused) == len(answers)
    assert [reason for reason in refused if not re.fullmatch(pattern_of("WinlogdClientsRefused"), reason)] == []


@pytest.mark.long
def test_a_stranger_who_looks_for_paths_is_no_wrong_client(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_open()
        assert server.request("GET", "/wp-login.php").status == 404
        key = 'winlogd_refusals_total{status="404",reason="Not Found"}'
        assert scrape(server).samples[key] == 1
    assert not re.fullmatch(pattern_of("WinlogdClientsRefused"), "Not Found")


@pytest.mark.long
@needs_prometheus
def test_the_alerts_stay_quiet_and_fire_when_they_should() -> None:
    promtool("check", "rules", "alerts.yml")
    promtool("test", "rules", "alerts_test.yml")


@pytest.mark.long
@needs_prometheus
def test_prometheus_understands_each_query_of_the_dashboard(tmp_path: Path) -> None:
    rules = [f"      - record: q:{number}\n        expr: '{query}'" for number, (_, query) in enumerate(panels())]
    file = tmp_path / "rules.yml"
    file.write_text("groups:\n  - name: dashboard\n    rules:\n" + "\n".join(rules) + "\n")
    assert "'" not in "".join(query for _, query in panels())
    promtool("check", "rules", str(file))
