"""The pages: one shell at each address, files with validators, and a policy that runs nothing else."""

import gzip
import re
from pathlib import Path
from typing import Final

import pytest

from tests.support.paths import ROOT
from tests.support.running import Answer, Winlogd, running
from winlogd.api.pages import sent
from winlogd.api.routes import PAGES

WEB: Final = ROOT / "winlogd" / "web"
FILES: Final = sorted(each.name for each in WEB.iterdir() if each.suffix in (".js", ".css", ".svg"))
ADDRESSES: Final = [path.replace("{hostname}", "A102-07").replace("{username}", "DOM%5Calice") for path in PAGES]


def in_the_tree(name: str) -> bytes:
    """Return a file as a browser gets it."""
    octets = (WEB / name).read_bytes()
    return octets if name.endswith((".svg", ".html")) else sent(octets)


OF_THE_PAGE: Final = (
    rb'<link rel="(?:module)?preload" [^\n]+\n'
    rb'|<link rel="stylesheet" href="/web/(?!style\.)\w+\.css">\n'
    rb'|<script type="module" src="/web/(?!main\.)\w+\.js"></script>\n'
)
"""The lines of a shell that depend on its page."""


def get(server: Winlogd, path: str, **fields: str) -> Answer:
    return server.request("GET", path, headers={name.replace("_", "-"): value for name, value in fields.items()})


def policy(answer: Answer) -> dict[str, list[str]]:
    parts = (each.split() for each in answer.headers["content-security-policy"].split(";"))
    return {name: values for name, *values in parts}


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_page_is_a_shell_which_nobody_keeps(shared_server: Winlogd, address: str) -> None:
    answer = get(shared_server, address)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert re.sub(OF_THE_PAGE, b"", answer.body) == (WEB / "page.html").read_bytes()
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", FILES)
def test_each_file_comes_with_its_type_and_is_asked_for_again(shared_server: Winlogd, name: str) -> None:
    answer = get(shared_server, f"/web/{name}")
    kinds = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
    assert (answer.status, answer.headers["content-type"]) == (200, kinds[Path(name).suffix])
    assert answer.body == in_the_tree(name)
    assert answer.headers["cache-control"] == "no-cache"
    assert "content-encoding" not in answer.headers


def test_a_file_that_the_browser_has_is_not_sent_again(shared_server: Winlogd) -> None:
    first = get(shared_server, "/web/main.js")
    again = get(shared_server, "/web/main.js", If_None_Match=f'"other", W/{first.headers["etag"]}')
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert "content-length" not in again.headers
    assert get(shared_server, "/web/main.js", If_None_Match='"other"').status == 200


def test_a_browser_gets_a_file_compressed_with_another_validator(shared_server: Winlogd) -> None:
    plain = get(shared_server, "/web/main.js", Accept_Encoding="br, gzip;q=0")
    packed = get(shared_server, "/web/main.js", Accept_Encoding="br, GZIP;q=0.5")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    etag = packed.headers["etag"]
    assert get(shared_server, "/web/main.js", If_None_Match=etag, Accept_Encoding="gzip").status == 304


@pytest.mark.parametrize("name", ["nothing.js", "page.html", "__init__.py", "..%2Fcli.py", "%2e%2e"])
def test_nothing_else_is_a_file(shared_server: Winlogd, name: str) -> None:
    assert get(shared_server, f"/web/{name}").status == 404


def test_the_head_of_a_page_has_the_fields_of_the_page(shared_server: Winlogd) -> None:
    head = shared_server.request("HEAD", "/")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(get(shared_server, "/").body))


@pytest.mark.parametrize("path", ["/", "/web/main.js"])
def test_a_browser_runs_and_loads_only_what_this_server_has(shared_server: Winlogd, path: str) -> None:
    answer = get(shared_server, path)
    rules = policy(answer)
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == rules["worker-src"] == ["'self'"]
    assert rules["base-uri"] == rules["frame-ancestors"] == ["'none'"]
    assert rules["require-trusted-types-for"] == ["'script'"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_shell_holds_no_script_or_style_of_its_own() -> None:
    shell = (WEB / "page.html").read_text()
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", shell) == []
    assert re.findall(r"<script[^>]*>[^<]", shell) == []
    names = re.findall(r'(?:src|href)="/web/([^"]+)"', shell)
    assert set(names) <= set(FILES)


def test_who_may_not_read_gets_no_page(tmp_path: Path) -> None:
    with running(tmp_path, "[security]\nlocal_reads = false\n") as server:
        for path in ADDRESSES:
            assert get(server, path).status == 403, path
        assert get(server, "/web/main.js").status == 200  # it has no data


def test_a_page_of_another_site_can_link_to_a_page_and_not_use_its_files(shared_server: Winlogd) -> None:
    link = get(shared_server, "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")
    assert link.status == 200
    assert get(shared_server, "/web/main.js", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors").status == 403
    assert get(shared_server, "/web/main.js").headers["cross-origin-resource-policy"] == "same-origin"


def test_an_address_that_takes_events_stays_one(tmp_path: Path) -> None:
    settings = '[server]\nevent_paths = ["/api/v1/events", "/"]\n'
    with running(tmp_path, settings) as server:
        server.wait_until_open()
        assert "events" in get(server, "/").json
        assert get(server, "/wall").body.startswith(b"<!doctype html>")


def test_all_files_together_are_small() -> None:
    """A browser that opens every page has loaded less than this. Only the form of the login has another style."""
    loaded = {"page.html", *FILES} - {"login.css"}
    assert sum(len(gzip.compress(in_the_tree(name), 9)) for name in loaded) < 100_000


def test_no_module_has_a_text_of_more_than_one_line() -> None:
    """Where a text ends on its line, what looks like a comment on a line of its own is one."""
    for name in FILES:
        for number, line in enumerate((WEB / name).read_text("utf-8").splitlines(), 1):
            assert line.count("`") % 2 == 0, (name, number)


def test_a_browser_gets_no_comments_and_all_else() -> None:
    source = b"""/** What it is for.
 * @param {number} n
 */
export function f(n) {
  // Reasons.
  const field = /** @type {HTMLElement} */ (at("https://a")); // stays
  return "a  b" + n; /* stays, too */
}
"""
    wanted = b"""export function f(n) {const field = (at("https://a")); // stays
return "a  b" + n; /* stays, too */}
"""
    assert sent(source) == wanted
