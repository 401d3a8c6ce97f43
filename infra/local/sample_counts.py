"""Computes what Load must answer for a whole division in the simplest way, as a check on the sample customers."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

FURTHEST_FIRST = ("accepted", "pending", "notSent")
# Sufficient for the sample's addresses: one @, ASCII before it, a dotted domain after it.
USABLE = re.compile(r"[!-?A-~]+@([a-z0-9-]+\.)+[a-z]{2,}")


@dataclass(frozen=True)
class Counts:
    """The counts of one selection."""

    total: int
    active_services: int
    accepted: int
    pending: int
    not_sent: int
    unreachable: int


def normalised(email: str) -> str | None:
    """The address that identifies a recipient, or None if it cannot be used."""
    address = unicodedata.normalize("NFC", email).strip().lower()
    return address if USABLE.fullmatch(address) else None


def count(accounts: list[dict], division: str) -> Counts:
    """The counts without a filter. An address is one recipient with its furthest status, and each service counts
    once."""
    statuses: dict[str, str] = {}
    services = unreachable = 0
    for account in accounts:
        if account["division"] != division:
            continue
        reached = False
        for contact in account["contacts"]:
            address = normalised(contact["email"])
            if address is None:
                unreachable += 1
                continue
            reached = True
            statuses[address] = min(statuses.get(address, "notSent"), contact["portal"], key=FURTHEST_FIRST.index)
        if reached:
            services += sum(site["activeServices"] for site in account["sites"])
    of = list(statuses.values()).count
    return Counts(
        total=len(statuses),
        active_services=services,
        accepted=of("accepted"),
        pending=of("pending"),
        not_sent=of("notSent"),
        unreachable=unreachable,
    )
