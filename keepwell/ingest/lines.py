"""The lines of a text file: counted, decoded, and bounded in length."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from keepwell.errors import InputError

MAX_LINE = 1_000_000
"""Bytes of the longest line that is read; a longer one is no table of ours."""

_BOM = b"\xef\xbb\xbf"


class Lines:
    """Iterates over a file's lines as text.

    `number` is the line read last (from 1), `done` the bytes read so far. A line that is not UTF-8, holds
    NUL bytes or is too long does not end the reading: `trouble` says what is wrong with it, until reset.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.number = 0
        self.done = 0
        self.trouble = ""

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        raw = self._file.readline(MAX_LINE + 1)
        if not raw:
            raise StopIteration
        self.number += 1
        self.done += len(raw)
        if len(raw) > MAX_LINE:
            self._skip_rest(raw)
            self._note(f"line {self.number} is longer than {MAX_LINE:,} bytes")
            return "\n"
        if self.number == 1:
            raw = raw.removeprefix(_BOM)
        if b"\0" in raw:
            self._note(f"line {self.number} holds NUL bytes; remove them, or save the file as UTF-8")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            byte = f"byte 0x{raw[error.start]:02X} at position {error.start + 1}"
            self._note(f"line {self.number} is not UTF-8 ({byte}); save the file as UTF-8")
            return raw.decode("utf-8", "backslashreplace")

    def _note(self, trouble: str) -> None:
        self.trouble = self.trouble or trouble

    def _skip_rest(self, raw: bytes) -> None:
        while raw and not raw.endswith(b"\n"):
            raw = self._file.readline(MAX_LINE)
            self.done += len(raw)


_MAGIC = (
    ((b"\xff\xfe", b"\xfe\xff"), "is UTF-16; save it as UTF-8"),
    ((b"PK\x03\x04",), "is an Excel workbook or a zip file; save the sheet as CSV (UTF-8)"),
    ((b"\x1f\x8b",), "is compressed; unpack it first"),
)


def open_text(path: Path, file: BinaryIO | None = None) -> BinaryIO:
    """Open a file for `Lines`; InputError for one that is missing, empty, or plainly no UTF-8 text.

    With `file`, which is open, the path is its name alone.
    """
    try:
        file = file or path.open("rb")
    except FileNotFoundError:
        raise InputError("there is no such file", place=str(path)) from None
    except IsADirectoryError:
        raise InputError("is a folder; name a file in it", place=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=str(path)) from error
    try:
        _check_start(file, path)
    except BaseException:
        file.close()
        raise
    return file


def _check_start(file: BinaryIO, path: Path) -> None:
    start = file.read(4096)
    file.seek(0)
    if not start.removeprefix(_BOM).strip():
        raise InputError("the file is empty; it must begin with a header or an object", place=str(path))
    for beginnings, reason in _MAGIC:
        if start.startswith(beginnings):
            raise InputError(reason, place=str(path))
    head = start.split(b"\n", 1)[0]
    if b"\0" in head:
        # Latin letters in UTF-16 have a NUL in every second byte.
        wide = head.count(b"\0") * 3 >= len(head)
        reason = "is UTF-16; save it as UTF-8" if wide else "holds NUL bytes; it is not a text file"
        raise InputError(reason, place=f"{path}:1")
