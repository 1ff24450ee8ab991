"""The form in which SendGrid's inbound parse brings a letter, as text: its fields have charsets each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from keepwell.errors import InputError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

WANTED = ("headers", "from", "to", "cc", "subject", "text", "html", "envelope", "charsets", "dkim", "SPF")
"""The fields that are read; attachments are not kept."""

LONGEST = 1_000_000
"""Bytes of a field that are read; the rest of it is left out."""

_CHARSETS = re.compile(
    r"utf-?8|us-ascii|iso-8859-\d{1,2}|windows-125\d|cp\d{3,4}|koi8-[ru]|gb(2312|k|18030)|big5|"
    r"shift[_-]jis|euc-(jp|kr)|iso-2022-(jp|kr)",
    re.IGNORECASE,
)
"""What a letter may be written in; Python knows others that are no alphabets, and slow to undo."""


def fields_of(content_type: str, body: bytes) -> dict[str, str]:
    """The wanted fields of the form as text, "" for those that are missing.

    Raises:
        InputError: it is no such form.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise InputError("The body is no form of SendGrid's inbound parse.", place="Content-Type")
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks())
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise InputError("The body is no form that can be read.", place="body") from error
    found = {name: bytes(form.fields.get(name, b"")) for name in WANTED}
    charsets = _charsets(found["charsets"])
    return {name: _decoded(value, charsets.get(name, "utf-8")) for name, value in found.items()}


class _Form:
    """Collects the wanted fields; what has a file's name is an attachment."""

    def __init__(self) -> None:
        self.fields: dict[str, bytearray] = {}
        self._header, self._value, self._name = b"", b"", ""

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
        }

    def _begin(self) -> None:
        self._name = ""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            name = options.get(b"name", b"").decode("latin-1")
            self._name = name if name in WANTED and b"filename" not in options else ""
        self._header, self._value = b"", b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._name:
            have = self.fields.setdefault(self._name, bytearray())
            have += data[start : min(end, start + LONGEST - len(have))]


def _charsets(field: bytes) -> Mapping[str, str]:
    try:
        found = json.loads(field or b"{}")
    except (ValueError, RecursionError):
        return {}
    named = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in named if isinstance(value, str) and _CHARSETS.fullmatch(value)}


def _decoded(field: bytes, charset: str) -> str:
    try:
        return field.decode(charset, errors="replace")
    except LookupError:
        return field.decode(errors="replace")


_UNSEEN = ("style", "script", "title")
"""What nobody reads. Not `head`: a page need not say where that ends."""


class _Words(HTMLParser):
    """The words of a page, a line for each block."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        if tag in _UNSEEN:
            self._hidden += 1
        elif tag in ("br", "p", "div", "tr", "li", "blockquote", "hr"):
            self.parts.append("\n> " if tag == "blockquote" else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._hidden = max(0, self._hidden - 1)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data.replace("\n", " "))


def words_of_page(html: str) -> str:
    """The text of a letter that has only HTML."""
    reader = _Words()
    reader.feed(html)
    reader.close()
    return "".join(reader.parts).strip()
