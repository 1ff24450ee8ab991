"""What a letter's words say: whether a person wrote them, which of them are new, and whether they mean stop.

No single mark says that a program wrote a letter. In the order of trust: `Auto-Submitted` (RFC 3834, 5),
reports of mail systems (RFC 6522, with RFC 3464 and RFC 8098), an empty return path (RFC 5321, 4.5.5),
mailing lists (RFC 2919), then marks that no standard names but that are in wide use, and at last words in
the subject.
"""

from __future__ import annotations

import re

from keepwell.letters import Letter

LONGEST_NOTE = 480
"""Characters of a note; a command's takes 500."""

_MACHINES = re.compile(
    r"(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)([+.-].*)?@", re.IGNORECASE
)
_PRECEDENCE = ("bulk", "junk", "list", "auto_reply")
_AUTOMATIC_HEADERS = ("x-autoreply", "x-autorespond", "x-failed-recipients", "list-id", "feedback-type")

_AWAY = re.compile(
    r"^\s*(\[?(auto(matic|mated)?[\s-]?(reply|response|answer)|autoreply|out[\s-]of[\s-](the[\s-])?office|"
    r"on (annual |parental |maternity |paternity )?leave|on (vacation|holiday)|i am (currently )?away|"
    r"automatische (antwort|abwesenheit\w*)|automatisch antwoord|abwesenheits\w*|abwesend|nicht im büro|"
    r"réponse automatique|absence du bureau|absent du bureau|"
    r"respuesta automática|fuera de (la )?oficina|ausente|"
    r"risposta automatica|fuori (sede|ufficio)|resposta automática|fora do escritório|"
    r"afwezig\w*|autosvar|frånvaro\w*|fravær\w*|poissa\w*|automaattinen vastaus|"
    r"autoodpowiedź|odpowiedź automatyczna|automatická odpověď|automatikus válasz|"
    r"автоответ\w*|автоматический ответ|自動返信|自动回复|자동 응답)\b)",
    re.IGNORECASE,
)

_STOP = frozenset(
    {
        "stop",
        "unsubscribe",
        "unsubscribe me",
        "please unsubscribe",
        "please unsubscribe me",
        "remove me",
        "please remove me",
        "opt out",
        "no more emails",
        "no more emails please",
        "please no more emails",
        "stop emailing me",
        "please stop emailing me",
        "stop sending me emails",
        "abmelden",
        "bitte abmelden",
        "keine e-mails mehr",
        "bitte keine e-mails mehr",
        "keine mails mehr",
        "désinscription",
        "me désinscrire",
        "désabonner",
        "darme de baja",
        "baja",
        "cancelar suscripción",
        "disiscrivimi",
        "cancellami",
        "afmelden",
        "uitschrijven",
    }
)
"""Whole answers that mean it, without punctuation at the ends."""

_QUOTED = re.compile(
    r"^("
    r"(on|am|le|el|il|op|em|den|dne|w dniu)\b.{4,200}\b(wrote|schrieb|écrit|escribió|scritto|schreef|"
    r"escreveu|skrev|napsal\w*|napisał\w*)\b.{0,80}:"
    r"|-{2,}\s*(original message|ursprüngliche nachricht|message d'origine|mensaje original|"
    r"messaggio originale|oorspronkelijk bericht|forwarded message|weitergeleitete nachricht)\s*-{2,}"
    r"|_{10,}"
    r"|(from|von|de|da|van)\s?:\s.{1,200}"
    r")\s*$",
    re.IGNORECASE,
)


def written_by_a_program(letter: Letter) -> str:
    """By which mark a letter is known to be no person's; "" where none says so."""
    submitted = letter.header("auto-submitted").partition(";")[0].strip().lower()
    if submitted not in ("", "no"):
        return f"Auto-Submitted: {submitted}"
    kind = letter.header("content-type").partition(";")[0].strip().lower()
    if kind in ("multipart/report", "message/delivery-status", "message/disposition-notification"):
        return f"Content-Type: {kind}"
    if letter.return_path == "" or letter.header("return-path").strip() == "<>":
        return "empty return path"
    if _MACHINES.match(letter.from_address):
        return "sent by a mail system"
    if letter.header("precedence").strip().lower() in _PRECEDENCE:
        return f"Precedence: {letter.header('precedence').strip().lower()}"
    found = next((name for name in _AUTOMATIC_HEADERS if name in letter.headers), "")
    if found:
        return found
    return "the subject says so" if _AWAY.match(letter.subject) else ""


def new_words(text: str) -> str:
    """What a letter adds: without the letters that it quotes and without its signature."""
    kept: list[str] = []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for place, line in enumerate(lines):
        # A long introduction of a quotation is often broken in two.
        both = f"{line.strip()} {lines[place + 1].strip()}" if place + 1 < len(lines) else line
        if line.rstrip() == "--" or _QUOTED.match(line.strip()) or _introduces(line, both):
            break
        if not line.lstrip().startswith(">"):
            kept.append(line.rstrip())
    return "\n".join(kept).strip()


def _introduces(line: str, both: str) -> bool:
    begins = re.match(r"(on|am|le|el|il|op|em|den)\s", line.strip(), re.IGNORECASE)
    return begins is not None and len(both) <= 300 and _QUOTED.match(both) is not None


def note_of(text: str) -> str:
    """The new words on one line, cut to what a note holds."""
    words = " ".join("".join(char if char.isprintable() else " " for char in new_words(text)).split())
    return words if len(words) <= LONGEST_NOTE else f"{words[: LONGEST_NOTE - 1]}…"


def means_stop(text: str) -> bool:
    """Whether the whole answer is a wish to get no more emails."""
    words = " ".join(new_words(text).lower().split()).strip(" .!,;:'\"“”«»-–—")
    return words in _STOP
