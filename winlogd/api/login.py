"""The pages for logging in and out: GET and POST /login, POST /logout, GET /account.

Each works without a script. A form that a page of another site sends does nothing. No token is ever in an address, in
a page or in the log. This file must not know how a login is kept.
"""

from typing import Final

from winlogd.access import cookie
from winlogd.access.guard import ACCOUNT, LOGIN, PageHandler, Visit
from winlogd.access.identity import Asked as Identified
from winlogd.access.identity import Identity
from winlogd.access.login import Login
from winlogd.access.origin import is_same_origin
from winlogd.access.outcomes import Browser, LoggedIn, NotLoggedIn, Outcome
from winlogd.access.readers import Reader
from winlogd.access.refusals import TOO_MANY_REASON, retry_after
from winlogd.access.scopes import LIFETIMES_S, SCOPES, STARTS
from winlogd.api.login_form import FormError, form_in, local_path, values_in
from winlogd.api.login_page import (
    FIELDS_OF_PAGE,
    HTML,
    Asked,
    account_page,
    closed_page,
    login_page,
    shown,
)
from winlogd.api.login_words import language_of
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.wire.message import Head, Response

_HOUR_S: Final = 3_600
_DAY_S: Final = 24 * _HOUR_S
_NO_STORE: Final = ("Cache-Control", "no-store")
_HOME: Final = "/"


class LoginPages:
    """The endpoints of `LOGIN` and of the logout.

    Args:
        identity: knows how a request has come.
        login: logs in and out.
    """

    def __init__(self, identity: Identity, login: Login) -> None:
        self._identity = identity
        self._login = login

    def form(self, head: Head) -> Handler:
        """Return the handler of requests for the form."""
        asked = _asked(head, LOGIN)

        def answer(exchange: Exchange, body: bytes) -> None:
            if not self._identity.is_private(exchange, head):
                exchange.respond(_not_private(asked, "plain"))
                return

            def found(reader: Reader) -> None:
                note = _as(asked, reader)
                if reader.login is not None:
                    note += f' <a href="{ACCOUNT}?lang={asked.language}">{asked.say("as_link")}</a>'
                exchange.respond(_page(200, login_page(asked, (note,), "", "token")))

            def refused(refusal: Response, cure: str) -> None:
                nobody = _page(200, login_page(asked, (), "", "token"))
                exchange.respond(nobody if cure != "none" else refusal)

            self._identity.find(Identified(exchange, head, frozenset(SCOPES), found, refused))

        return answer

    def log_in(self, head: Head) -> Handler:
        """Return the handler of forms that are sent."""

        def answer(exchange: Exchange, body: bytes) -> None:
            asked = _asked(head, LOGIN)
            refusal = self._identity.local.refusal_of_head(head) or self._refusal(exchange, head, asked)
            if refusal is not None:
                exchange.respond(refusal)
                return
            try:
                form = form_in(head, body)
            except FormError as fault:
                exchange.respond(_failed(asked, fault.status, str(fault), "token"))
                return
            asked = asked._replace(language=language_of(head, form.language), next=form.next)
            way = self._login.by_token if form.token else self._login.by_code
            browser = Browser(self._identity.address_of(exchange, head), self._identity.secret_in(exchange, head))
            is_secure = self._identity.is_secure(exchange, head)

            def ended(outcome: Outcome) -> None:
                if isinstance(outcome, LoggedIn):
                    fields = (cookie.setting(outcome.secret, LIFETIMES_S[outcome.scope], is_secure),)
                    exchange.respond(_see(asked.next or STARTS[outcome.scope], fields))
                else:
                    exchange.respond(_no_login(asked, outcome, "token" if form.token else "code"))

            way(form.token or form.code, browser, ended)

        return answer

    def log_out(self, head: Head) -> Handler:
        """Return the handler of the logout. It takes no parameters but `lang`."""
        asked = _asked(head, LOGIN)

        def answer(exchange: Exchange, body: bytes) -> None:
            refusal = self._identity.local.refusal_of_head(head)
            if refusal is None and not is_same_origin(head):
                refusal = _failed(asked, 403, "foreign", "token")
            if refusal is not None:
                exchange.respond(refusal)
                return
            cleared = (cookie.clearing(self._identity.is_secure(exchange, head)),)
            secret = self._identity.secret_in(exchange, head)

            def ended(is_ended: bool) -> None:
                if is_ended:
                    exchange.respond(_see(f"{LOGIN}?lang={asked.language}", cleared))
                else:
                    body = closed_page(asked, asked.say("not_out"))
                    exchange.respond(_page(503, body, cleared, "The logout could not be written"))

            if secret is None:
                ended(True)
            else:
                self._login.end(secret, self._identity.address_of(exchange, head), ended)

        return answer

    def _refusal(self, exchange: Exchange, head: Head, asked: Asked) -> Response | None:
        """Return the refusal of a form that came from another site, or unencrypted; None for any other."""
        if not is_same_origin(head):
            return _failed(asked, 403, "foreign", "token")
        if not self._identity.is_private(exchange, head):
            return _not_private(asked, "sent_plain")
        return None


def account(head: Head) -> PageHandler:
    """Return the handler of requests for the page that shows who is logged in.

    Whoever wants the start page, and may not open it, goes to the one of their scope.
    """
    asked = _asked(head, ACCOUNT)

    def answer(exchange: Exchange, body: bytes, visit: Visit) -> None:
        reader = visit.reader
        start = STARTS[reader.scope]
        if asked.refused == _HOME:
            exchange.respond(_see(start, visit.fields))
            return
        notes = [_as(asked, reader), asked.say(f"scope_{reader.scope}")]
        if reader.login is not None:
            notes.append(asked.say("until", lifetime=_lifetime(asked, reader.scope)))
        fault = asked.say("refused", page=shown(asked.refused)) if asked.refused else ""
        content = account_page(asked, fault, tuple(notes), start, reader.login is not None)
        exchange.respond(_page(200, content, visit.fields))

    return answer


def _asked(head: Head, path: str) -> Asked:
    values = values_in(head.query)
    language = language_of(head, values.get("lang", ""))
    return Asked(language, path, local_path(values.get("next", "")), local_path(values.get("refused", "")))


def _as(asked: Asked, reader: Reader) -> str:
    return asked.say("as_local") if reader.number is None else asked.say("as", reader=shown(reader.name))


def _lifetime(asked: Asked, scope: str) -> str:
    lifetime_s = LIFETIMES_S[scope]
    unit, length_s = ("days", _DAY_S) if lifetime_s > _DAY_S else ("hours", _HOUR_S)
    return asked.say(unit, n=str(lifetime_s // length_s))


def _no_login(asked: Asked, outcome: NotLoggedIn, field: str) -> Response:
    if outcome.why == "closed":
        return _page(503, closed_page(asked, asked.say("closed")), reason="The readers' file cannot be used")
    if outcome.why == "too many":
        wait = retry_after(outcome.wait_s)
        content = login_page(asked, (), asked.say("too_many", n=wait[1]), field)
        return _page(429, content, (wait,), TOO_MANY_REASON)
    return _failed(asked, 403, f"wrong_{outcome.why}", field, f"Wrong {outcome.why} at the login")


def _failed(asked: Asked, status: int, name: str, field: str, reason: str = "") -> Response:
    return _page(status, login_page(asked, (), asked.say(name), field), reason=reason)


def _not_private(asked: Asked, name: str) -> Response:
    content = closed_page(asked, asked.say(name), (asked.say("plain_admin"),))
    return _page(403, content, reason="Login over plain HTTP")


def _page(status: int, content: bytes, fields: tuple[cookie.Field, ...] = (), reason: str = "") -> Response:
    return Response(status, content, (*fields, *FIELDS_OF_PAGE), HTML, reason=reason)


def _see(path: str, fields: tuple[cookie.Field, ...]) -> Response:
    return Response(303, b"", (("Location", path), _NO_STORE, *fields))
