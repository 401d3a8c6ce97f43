"""Checks that no log of a run contains a password that was issued or chosen during it.

Temporary passwords are known from the mailbox. Passwords that tests choose for customers all contain MARKER. A finding
names the log, never the password.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterable

import logs
from instance import Instance
from steps import Failure, say

# Contained in every new password that a test or an event chooses.
MARKER = "never-log-me"

# A temporary password in an e-mail: a word of at least four groups of capitals and digits.
PASSWORD = re.compile(r"(?<!\S)[0-9A-Z]{3,8}(?:-[0-9A-Z]{3,8}){3,}(?!\S)")
# A test e-mail has this in place of a password.
DUMMY = frozenset("X-")


def check(instance: Instance, mailbox: str) -> None:
    """Fails if a log of this local cloud contains a password: the logs of the functions, and the files of emulator and
    tests.
    """
    passwords = issued(_texts(mailbox))
    if not passwords:
        raise Failure(
            "no e-mail of this run has a temporary password, so that nothing was checked",
            f"see whether {__name__}.PASSWORD still fits what the e-mails look like.",
        )
    if (lines := logs.read(instance)) is None:
        raise Failure("what the functions logged can't be read", f"see the local cloud's own log, {instance.log}.")
    texts: dict[str, list[str]] = {}
    for _, function, message in lines:
        texts.setdefault(f"function {function}", []).append(message)
    for file in instance.folder.glob("*.log"):
        # This file is a copy of the functions' logs from an earlier time.
        if file != logs.file_of(instance):
            texts[file.name] = [file.read_text(encoding="utf-8", errors="replace")]
    leaks = sorted(place for place, messages in texts.items() if leaking(passwords, "\n".join(messages)))
    if leaks:
        raise Failure(
            f"a password stands in the log of: {', '.join(leaks)}",
            "see what it logs of requests, e-mails and errors; only ids and numbers may be logged.",
        )
    say(f"  none of {len(passwords):,} passwords in {len(lines):,} lines of functions and {len(texts)} logs")


def issued(texts: Iterable[str]) -> set[str]:
    """The temporary passwords in these e-mails, without their hyphens."""
    words = {word for text in texts for word in PASSWORD.findall(text)}
    return {word.replace("-", "") for word in words if not DUMMY.issuperset(word)}


def leaking(passwords: set[str], log: str) -> bool:
    """Whether the log contains a password, even in lower case or without hyphens, or the marker of a chosen one."""
    if MARKER in log.lower():
        return True
    squeezed = log.upper().replace("-", "")
    # Looks up the text at every position instead of searching for each password.
    return any(
        found[1] in passwords
        for length in {len(password) for password in passwords}
        for found in re.finditer(rf"(?=([0-9A-Z]{{{length}}}))", squeezed)
    )


def _texts(mailbox: str) -> list[str]:
    with urllib.request.urlopen(mailbox, timeout=60) as answer:
        return [mail["BodyText"] for account in json.load(answer)["messages"].values() for mail in account]
