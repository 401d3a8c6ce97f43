"""Checks the encoding of a file before an import, which accepts only UTF-8, and names any other encoding."""

from __future__ import annotations

import codecs
from pathlib import Path

from steps import Failure

_HEAD = 4_096
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}".encode()


def require_utf8(path: Path) -> int:
    """Refuses a file that is not UTF-8. Returns how many of its lines are not blank."""
    filled = 0
    with open(path, "rb") as file:
        _refuse_wide(path, file.read(_HEAD))
        file.seek(0)
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                raise _refused(path, f"{_narrow(line)}, not UTF-8: its line {number} has the byte 0x{line[error.start]:02X}") from None
            if _REPLACEMENT in line:
                raise Failure(
                    f"{path} has U+FFFD in line {number}, where a program has lost a character",
                    "export it anew, as UTF-8, and run the command again.",
                )
            filled += bool(without_mark(line).strip())
    return filled


def without_mark(text: bytes) -> bytes:
    """A text without a byte-order mark at its beginning."""
    return text.removeprefix(codecs.BOM_UTF8)


def _refuse_wide(path: Path, head: bytes) -> None:
    # JSON begins with ASCII characters, which contain one NUL in UTF-16 and three in UTF-32. Valid JSON contains no NUL
    # itself.
    if b"\0" in head:
        name = "UTF-32" if b"\0\0\0" in head else "UTF-16"
        raise _refused(path, f"{name}, not UTF-8")


def _narrow(line: bytes) -> str:
    """Names the single-byte encoding by which the line can be read. More can't be known."""
    try:
        line.decode("cp1252")
    except UnicodeDecodeError:
        return "in an encoding of one byte a character"
    return "Windows-1252 (or ISO 8859-1)"


def _refused(path: Path, what: str) -> Failure:
    return Failure(f"{path} is {what}", "save it as UTF-8, and run the command again.")
