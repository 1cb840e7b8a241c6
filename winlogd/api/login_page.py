"""The HTML of the pages of login. No script is needed, and none runs. This file must not know requests or readers."""

from html import escape
from typing import Final, NamedTuple
from urllib.parse import urlencode

from winlogd.api.login_words import LANGUAGES, WORDS

HTML: Final = "text/html; charset=utf-8"
STYLE: Final = "/web/login.css"
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SAFE: Final = (("X-Content-Type-Options", "nosniff"), ("Cross-Origin-Resource-Policy", "same-origin"))
FIELDS_OF_PAGE: Final = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", _POLICY),
    ("Referrer-Policy", "same-origin"),
    *_SAFE,
)
"""The fields of each page. No other site learns its address.

With ``no-referrer`` a browser writes ``Origin: null`` when it sends the form over plain HTTP (Fetch §3.2). Nobody could
tell that from a form of another site.
"""

_USER: Final = '<input name="username" autocomplete="username" value="winlogd" hidden>'
"""A browser that keeps tokens as passwords wants a user's name with each."""


class Asked(NamedTuple):
    """What a page has to keep through its links and forms.

    Attributes:
        language: ``en`` or ``fr``.
        path: the path of the page.
        next: the path to go to after a login; empty for the start page.
        refused: the page that the login does not open; empty for none.
    """

    language: str
    path: str
    next: str = ""
    refused: str = ""

    def say(self, name: str, **values: str) -> str:
        """Return a text as HTML. The values are HTML already."""
        return escape(WORDS[self.language][name]).format(**values)


def shown(text: str) -> str:
    """Return a text of somebody else's as HTML. Its format characters, such as U+202E, can be seen: ⟨U+202E⟩."""
    seen = "".join(each if each.isprintable() else f"⟨U+{ord(each):04X}⟩" for each in text)
    return f"<bdi>{escape(seen)}</bdi>"


def login_page(asked: Asked, notes: tuple[str, ...], fault: str, wrong_field: str) -> bytes:
    """Return the page on which a person logs in.

    Args:
        asked: what to keep.
        notes: paragraphs above the forms, as HTML.
        fault: why there is no login, as HTML; empty if nobody has tried.
        wrong_field: the field that the fault is about, which gets the focus: ``token`` or ``code``.
    """
    kept = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in (("next", asked.next), ("lang", asked.language))
        if value
    )
    token = f'type="password" autocomplete="current-password" maxlength="200"{_focus("token", wrong_field, fault)}'
    code = (
        'type="text" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false" maxlength="20"'
        f"{_focus('code', wrong_field, fault)}"
    )
    first, second = _form(asked, "token", token, kept + _USER), _form(asked, "code", code, kept)
    forms = f"{first}<p class=or>{asked.say('or')}</p>{second}"
    return page(asked, "login", _alert(fault) + _paragraphs(notes) + forms)


def closed_page(asked: Asked, fault: str, notes: tuple[str, ...] = ()) -> bytes:
    """Return the page of login without its forms: nobody can log in this way."""
    return page(asked, "login", _alert(fault) + _paragraphs(notes))


def account_page(asked: Asked, fault: str, notes: tuple[str, ...], start: str, has_login: bool) -> bytes:
    """Return the page that shows who is logged in.

    Args:
        asked: what to keep.
        fault: what the login does not open, as HTML; empty for nothing.
        notes: paragraphs, as HTML.
        start: the path of the reader's start page, which may be this one.
        has_login: True if there is a login to end.
    """
    out = (
        f'<form method="post" action="/logout?lang={asked.language}"><button>{asked.say("logout")}</button></form>'
        if has_login
        else ""
    )
    links = ((start, "start"), (f"/login?lang={asked.language}", "other"))
    ways = "".join(f'<p><a href="{target}">{asked.say(name)}</a></p>' for target, name in links if target != asked.path)
    return page(asked, "account", _alert(fault) + _paragraphs(notes) + out + ways)


def page(asked: Asked, title: str, content: str) -> bytes:
    """Return a whole page."""
    heading = asked.say(title)
    return (
        f'<!doctype html>\n<html lang="{asked.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{heading} · winlogd</title>\n'
        f'<link rel="icon" href="data:,">\n<link rel="stylesheet" href="{STYLE}">\n</head>\n<body>\n'
        f"<main>\n<p class=name>winlogd</p>\n<h1>{heading}</h1>\n{content}\n</main>\n"
        f"<footer><nav>{_languages(asked)}</nav></footer>\n</body>\n</html>\n"
    ).encode()


def _form(asked: Asked, name: str, attributes: str, kept: str) -> str:
    return (
        f'<form method="post" action="/login">{kept}<label for="{name}">{asked.say(name)}</label>'
        f'<input id="{name}" name="{name}" required {attributes} aria-describedby="{name}-help">'
        f'<p class=help id="{name}-help">{asked.say(f"{name}_help")}</p>'
        f"<button>{asked.say(f'by_{name}')}</button></form>"
    )


def _focus(name: str, wrong_field: str, fault: str) -> str:
    return f" autofocus{' aria-invalid=true' if fault else ''}" if name == wrong_field else ""


def _alert(fault: str) -> str:
    return f'<p class=fault role="alert">{fault}</p>' if fault else ""


def _paragraphs(texts: tuple[str, ...]) -> str:
    return "".join(f"<p>{text}</p>" for text in texts)


def _languages(asked: Asked) -> str:
    """Return the links to the page in the other languages."""
    kept = {name: value for name, value in (("next", asked.next), ("refused", asked.refused)) if value}
    links = ""
    for language, name in LANGUAGES.items():
        if language != asked.language:
            target = escape(f"{asked.path}?{urlencode(kept | {'lang': language})}")
            links += f'<a href="{target}" lang="{language}" hreflang="{language}">{name}</a>'
    return links
