"""The words of the file about one person, in English and French. Pure.

A person reads them who may never have heard of winlogd. This file must not know how the file is written.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Kind = Literal["sessions", "events", "looks", "names"]
"""The sections of the file, in their order."""


class Section(NamedTuple):
    """The words of one section.

    Attributes:
        title: its heading.
        about: what it shows, in sentences.
        empty: what stands there without rows.
        columns: the headings of its columns.
    """

    title: str
    about: str
    empty: str
    columns: tuple[str, ...]


class Words(NamedTuple):
    """All words of one language.

    Attributes:
        title: the heading of the file, with ``{name}``.
        made: when and with what it was made, with ``{at}``, ``{zone}`` and ``{version}``.
        spans: what it covers: without a span, from a moment, to a moment, and both.
        others: that nobody else is in it.
        exact: which accounts it means, with ``{name}``: all that are spelled so, or one alone.
        facts: the heading of `source` and of the sentences about time.
        source: where the data comes from.
        proof: what it does not prove.
        kept: how long it is kept, with ``{days}``.
        kept_for_ever: the same if nobody has set an end.
        looks_kept: how long the readers' log is kept, with ``{days}``.
        elsewhere: where copies may be that are not in the file.
        rights: what the person may ask for.
        building: that a part is missing, with ``{history}``.
        sections: the words of each section.
        still_open: in place of the end of an open session.
        not_known: in place of an end or a duration that nobody knows.
        doubtful: in place of a certainty that has a ``{doubt}``.
        certainties: how sure a session is.
        doubts: why a session is doubtful.
        actions: what a report says.
        origins: who has made a report, if no workstation has.
        hardware: the link to an inventory.
        reader: the name of a reader, with ``{number}``.
        roles: what a reader is allowed to do, by scope, or by the name of those without a token.
        a_command: the role of whoever used a command on the server.
        kinds: what a reader has looked at.
    """

    title: str
    made: str
    spans: tuple[str, str, str, str]
    others: str
    exact: tuple[str, str]
    facts: str
    source: str
    proof: str
    kept: str
    kept_for_ever: str
    looks_kept: str
    elsewhere: str
    rights: str
    building: str
    sections: Mapping[Kind, Section]
    still_open: str
    not_known: str
    doubtful: str
    certainties: Mapping[str, str]
    doubts: Mapping[str, str]
    actions: Mapping[str, str]
    origins: Mapping[str, str]
    hardware: str
    reader: str
    roles: Mapping[str, str]
    a_command: str
    kinds: Mapping[str, str]


_ENGLISH: Final = Words(
    title="What is stored about {name}",
    made="Made on {at} ({zone}) with winlogd {version}, the program that keeps these logons and logoffs.",
    spans=(
        "It covers the whole time for which data is kept.",
        "It covers the time from {first} on.",
        "It covers the time up to {last}.",
        "It covers the time from {first} to {last}.",
    ),
    others="It holds everything that is stored about this account, and no other person’s name.",
    exact=(
        "It means {name}, also with a domain and in capital letters. The last table lists the exact accounts.",
        "It means {name} alone, and no account of another domain.",
    ),
    facts="Where this comes from, and how long it is kept",
    source="Each workstation reports a logon, a logoff and its hardware to one server by itself.",
    proof="The reports say which account was used where. They do not prove who sat there.",
    kept="A report is deleted {days} days after its receipt, unless there is a reason to hold it.",
    kept_for_ever="Nobody has set a time after which reports are deleted.",
    looks_kept="The list of those who have looked is kept for {days} days.",
    elsewhere="Backups and the log of the server may have copies for a while. Ask whoever runs the server.",
    rights="You may ask whoever gave you this file why the data is kept and who receives it. You may ask for a"
    " correction or an erasure, object, and complain to the data protection authority.",
    building="Older data is still being read ({history}). So older sessions may be missing in this file.",
    sections={
        "sessions": Section(
            "Sessions",
            "The times between a logon and its logoff, newest first, by the workstation’s clock.",
            "No session is stored.",
            ("From", "To", "Lasted", "Machine", "Room", "Account", "Address", "System", "How sure"),
        ),
        "events": Section(
            "Reports, as they were stored",
            "All rows of the database from which the sessions follow. The times of the database are in UTC.",
            "No report is stored.",
            ("Received", "Sent, by its clock", "What", "Machine", "Account", "Address", "System", "Identifier"),
        ),
        "looks": Section(
            "Who has looked at this account",
            "Each question for this account. Readers have numbers in this file, because their names are those of other"
            " people. A look at a whole room, at a machine or at everybody is not listed, though it may have shown"
            " this account.",
            "Nobody has asked for this account.",
            ("When", "Who", "Role", "What"),
        ),
        "names": Section(
            "The exact accounts in this file",
            "Is one of these accounts not yours? Then tell whoever gave you this file.",
            "No account of this name is stored.",
            ("Account", "Sessions", "Reports", "First received", "Last received"),
        ),
    },
    still_open="still open",
    not_known="not known",
    doubtful="doubtful: {doubt}",
    certainties={"certain": "certain", "presumed": "presumed", "doubtful": "doubtful"},
    doubts={
        "other_user": "somebody else came to the machine",
        "restart": "the machine restarted",
        "age": "it began long ago",
        "closed": "the site has closed",
        "no_end": "no end was reported",
        "clock": "the clocks differ",
    },
    actions={"C": "logon", "D": "logoff", "M": "hardware"},
    origins={"auto": "added: the next logon came", "expired": "added: it was open for too long"},
    hardware="what was reported",
    reader="reader {number}",
    roles={
        "wall": "sees free seats",
        "metrics": "sees figures",
        "now": "sees who is on now",
        "all": "sees the past, too",
        "audit": "sees who has looked",
        "loopback": "somebody at the server itself",
        "network": "a computer that may see who is on",
    },
    a_command="an administrator, on the server",
    kinds={
        "user": "the page of the account",
        "sessions": "a list of sessions",
        "events": "a list of reports",
        "current": "who is on now",
        "moment": "who was there at a moment",
        "search": "a search for the account",
        "export": "a copy as a file",
    },
)

_FRENCH: Final = Words(
    title="Ce qui est enregistré sur {name}",
    made="Fait le {at} ({zone}) avec winlogd {version}, le programme qui conserve ces ouvertures et fermetures de"
    " session.",
    spans=(
        "Ce fichier couvre toute la durée de conservation.",
        "Ce fichier commence au {first}.",
        "Ce fichier s’arrête au {last}.",
        "Ce fichier va du {first} au {last}.",
    ),
    others="Il contient tout ce qui est enregistré sur ce compte, et le nom d’aucune autre personne.",
    exact=(
        "Il concerne {name}, aussi avec un domaine et en majuscules. Le dernier tableau donne les comptes exacts.",
        "Il concerne {name} seul, et aucun compte d’un autre domaine.",
    ),
    facts="D’où viennent ces données, et combien de temps elles sont conservées",
    source="Chaque poste signale de lui-même à un serveur les ouvertures et fermetures de session, et son matériel.",
    proof="Ces signalements disent quel compte a servi et où. Ils ne prouvent pas qui était assis là.",
    kept="Un signalement est effacé {days} jours après sa réception, sauf s’il y a une raison de le retenir.",
    kept_for_ever="Personne n’a fixé de durée après laquelle les signalements sont effacés.",
    looks_kept="La liste des consultations est conservée {days} jours.",
    elsewhere="Des sauvegardes et le journal du serveur peuvent en garder des copies un certain temps. Demandez à qui"
    " gère le serveur.",
    rights="Vous pouvez demander à la personne qui vous a remis ce fichier pourquoi ces données existent et qui les"
    " reçoit. Vous pouvez demander une rectification ou un effacement, vous opposer, et saisir l’autorité de"
    " protection des données (en France, la CNIL).",
    building="Les données plus anciennes sont en cours de lecture ({history}). Des sessions anciennes peuvent donc"
    " manquer dans ce fichier.",
    sections={
        "sessions": Section(
            "Sessions",
            "Le temps entre une ouverture de session et sa fermeture, les plus récentes d’abord, à l’heure du poste.",
            "Aucune session n’est enregistrée.",
            ("Début", "Fin", "Durée", "Poste", "Salle", "Compte", "Adresse", "Système", "Certitude"),
        ),
        "events": Section(
            "Signalements, tels qu’ils sont enregistrés",
            "Toutes les lignes de la base dont se déduisent les sessions. Les heures de la base sont en UTC.",
            "Aucun signalement n’est enregistré.",
            ("Reçu", "Envoyé, à son heure", "Quoi", "Poste", "Compte", "Adresse", "Système", "Identifiant"),
        ),
        "looks": Section(
            "Qui a consulté ce compte",
            "Chaque question sur ce compte. Les lecteurs portent des numéros dans ce fichier, car leurs noms sont ceux"
            " d’autres personnes. La consultation d’une salle entière, d’un poste ou de tous n’y figure pas, même si"
            " elle a pu montrer ce compte.",
            "Personne n’a consulté ce compte.",
            ("Quand", "Qui", "Rôle", "Quoi"),
        ),
        "names": Section(
            "Les comptes exacts de ce fichier",
            "L’un de ces comptes n’est pas le vôtre\u00a0? Dites-le à la personne qui vous a remis ce fichier.",
            "Aucun compte de ce nom n’est enregistré.",
            ("Compte", "Sessions", "Signalements", "Premier reçu", "Dernier reçu"),
        ),
    },
    still_open="encore ouverte",
    not_known="inconnue",
    doubtful="douteuse\u00a0: {doubt}",
    certainties={"certain": "certaine", "presumed": "présumée", "doubtful": "douteuse"},
    doubts={
        "other_user": "quelqu’un d’autre est venu sur le poste",
        "restart": "le poste a redémarré",
        "age": "l’ouverture est ancienne",
        "closed": "le site a fermé",
        "no_end": "aucune fin n’a été signalée",
        "clock": "les horloges ne concordent pas",
    },
    actions={"C": "ouverture", "D": "fermeture", "M": "matériel"},
    origins={"auto": "ajoutée\u00a0: la suivante est venue", "expired": "ajoutée\u00a0: ouverte trop longtemps"},
    hardware="ce qui a été signalé",
    reader="lecteur {number}",
    roles={
        "wall": "voit les places libres",
        "metrics": "voit des chiffres",
        "now": "voit qui est là maintenant",
        "all": "voit aussi le passé",
        "audit": "voit qui a consulté",
        "loopback": "quelqu’un sur le serveur même",
        "network": "un ordinateur qui peut voir qui est là",
    },
    a_command="un administrateur, sur le serveur",
    kinds={
        "user": "la page du compte",
        "sessions": "une liste de sessions",
        "events": "une liste de signalements",
        "current": "qui est là maintenant",
        "moment": "qui était là à un moment",
        "search": "une recherche du compte",
        "export": "une copie en fichier",
    },
)

WORDS: Final[Mapping[str, Words]] = {"en": _ENGLISH, "fr": _FRENCH}
"""The words by language."""
