"""What the pages without scripts say: those of login, and of an unknown address. In English and French.

Pure: this file must not know HTML.
"""

from collections.abc import Mapping
from typing import Final

from winlogd.http.wire.message import Head

LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "fr": "Français"}
"""The languages, each with its own name."""

Words = Mapping[str, str]
"""The texts of one language by their names. ``{reader}`` and so on stand for values."""

_EN: Final[Words] = {
    "login": "Log in",
    "account": "Your login",
    "by_token": "Log in",
    "by_code": "Log in with the code",
    "token": "Token",
    "token_help": "32 letters and digits. Your administrator has made it for you.",
    "or": "or",
    "code": "Pairing code",
    "code_help": "Eight characters. A code works once, for ten minutes.",
    "as": "You are logged in as {reader}.",
    "as_link": "Log out, or see what you may read",
    "as_local": "You read on the server itself, without a token. This ends when the first token is added.",
    "until": "The login ends {lifetime} after its last use.",
    "hours": "{n} hours",
    "days": "{n} days",
    "refused": "Your login does not open {page}. Log in with another token for it.",
    "start": "To the start page",
    "unknown": "There is no such page",
    "unknown_help": "Nothing is at this address. It may have been mistyped.",
    "logout": "Log out",
    "other": "Log in with another token",
    "scope_wall": "You see how many machines of each room are free, and no names.",
    "scope_metrics": "You see the figures of /metrics.",
    "scope_now": "You see who is on now, and nothing of the past.",
    "scope_all": "You see who is on now and who was. What you look at is recorded with your name.",
    "scope_audit": "You see who has looked at what.",
    "plain": "This page is not encrypted, so that others on the network could read your token. Open it with https://.",
    "plain_admin": "For the administrator: set up HTTPS, or set security.plain_login = true.",
    "sent_plain": "Your token or code was sent unencrypted, and was not used. Ask for a new one if others can listen.",
    "foreign": "This form did not come from a page of this server. Nothing was done. Open it anew and try again.",
    "empty": "Type a token or a code.",
    "both": "Fill in one field only: the token or the code.",
    "not_a_form": "What was sent is no form that this page has. Open this page anew, and try again.",
    "wrong_token": "This token is not valid: it is unknown, revoked or expired. Look for a missing character.",
    "wrong_code": "This code is not valid. Perhaps it was used, or is older than ten minutes. Ask for a new one.",
    "too_many": "There were too many wrong tokens and codes. Wait {n} seconds. A right token is accepted at once.",
    "closed": "Nobody can log in now: the server cannot use its file of readers. The server's log says why.",
    "not_out": "The logout could not be written. Close the browser, and tell the administrator.",
}
_FR: Final[Words] = {
    "login": "Connexion",
    "account": "Votre connexion",
    "by_token": "Se connecter",
    "by_code": "Se connecter avec le code",
    "token": "Jeton",
    "token_help": "32 lettres et chiffres. Votre administrateur l’a créé pour vous.",
    "or": "ou",
    "code": "Code d’appairage",
    "code_help": "Huit caractères. Un code sert une seule fois, pendant dix minutes.",
    "as": "Vous êtes connecté sous le nom {reader}.",
    "as_link": "Se déconnecter, ou voir ce que vous pouvez lire",
    "as_local": "Vous lisez sur le serveur même, sans jeton. Cela prend fin avec l’ajout du premier jeton.",
    "until": "La connexion prend fin {lifetime} après la dernière utilisation.",
    "hours": "{n} heures",
    "days": "{n} jours",
    "refused": "Votre connexion ne donne pas accès à {page}. Connectez-vous avec un autre jeton pour l’ouvrir.",
    "start": "Vers la page d’accueil",
    "unknown": "Cette page n’existe pas",
    "unknown_help": "Il n’y a rien à cette adresse. Elle contient peut-être une faute de frappe.",
    "logout": "Se déconnecter",
    "other": "Se connecter avec un autre jeton",
    "scope_wall": "Vous voyez combien de postes sont libres dans chaque salle, sans aucun nom.",
    "scope_metrics": "Vous voyez les chiffres de /metrics.",
    "scope_now": "Vous voyez qui est connecté en ce moment, et rien du passé.",
    "scope_all": "Vous voyez qui est et qui était connecté. Vos consultations sont enregistrées sous votre nom.",
    "scope_audit": "Vous voyez qui a consulté quoi.",
    "plain": "Cette page n’est pas chiffrée : d’autres sur le réseau pourraient lire votre jeton. Ouvrez-la en https://.",
    "plain_admin": "Pour l’administrateur : installez HTTPS, ou mettez security.plain_login = true.",
    "sent_plain": "Votre jeton ou code a été envoyé en clair et n’a pas servi. Par prudence, demandez-en un autre.",
    "foreign": "Ce formulaire ne vient pas d’une page de ce serveur. Rien n’a été fait. Rouvrez la page et réessayez.",
    "empty": "Saisissez un jeton ou un code.",
    "both": "Remplissez un seul champ : le jeton ou le code.",
    "not_a_form": "Ce qui a été envoyé n’est pas un formulaire de cette page. Rouvrez cette page et réessayez.",
    "wrong_token": "Ce jeton n’est pas valable : il est inconnu, révoqué ou expiré. Vérifiez chaque caractère.",
    "wrong_code": "Ce code n’est pas valable : déjà utilisé, ou vieux de plus de dix minutes. Demandez-en un autre.",
    "too_many": "Trop de jetons et de codes faux. Attendez {n} secondes. Un jeton juste est accepté aussitôt.",
    "closed": "Connexion impossible : le serveur ne peut pas lire le fichier des lecteurs. Son journal dit pourquoi.",
    "not_out": "La déconnexion n’a pas pu être enregistrée. Fermez le navigateur et prévenez l’administrateur.",
}
WORDS: Final[Mapping[str, Words]] = {"en": _EN, "fr": _FR}
"""The texts by language."""


def language_of(head: Head, asked: str) -> str:
    """Return the language of a page: the one that is asked for, or the first known one in Accept-Language.

    Weights do not count: browsers write the languages in the order in which their user prefers them.

    Args:
        head: the request.
        asked: the parameter `lang`; empty for none.
    """
    wanted = [asked, *",".join(head.get_all("accept-language")).split(",")]
    for each in wanted:
        language = each.partition(";")[0].strip().partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return "en"
