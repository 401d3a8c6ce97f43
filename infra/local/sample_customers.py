"""Sample customers of a waste hauler: fictitious, deterministic, and checked before they are written.

DAYTON has exactly the numbers of the screen that this system reproduces. All addresses are labels of the SES mailbox
simulator: mailing them from a real SES account reaches nobody and costs no reputation.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

from sample_counts import Counts, count

SEED = 390
DAYTON_COUNTS = Counts(total=1068, active_services=1356, accepted=1061, pending=5, not_sent=2, unreachable=0)
# Quotes, angle brackets, an ampersand and letters beyond ASCII must be shown correctly everywhere.
DIFFICULT_NAME = 'Zoë "Z" <O\'Neil> & Söhne'
MANAGED_ACCOUNTS = 3000

# Division, its name, its time zone, its number of accounts.
DIVISIONS = (
    ("DAYTON", "Gem City Waste & Recycling", "America/New_York", 1040),
    ("OMAHA", "Platte River Hauling", "America/Chicago", 3400),
    ("BOULDER", "Flatirons Disposal", "America/Denver", 1300),
    ("TORONTO", "Lakeshore Sanitation", "America/Toronto", 900),
)
ACCOUNT_CLASSES = ("RESIDENTIAL", "COMMERCIAL", "ROLL-OFF", "MUNICIPAL")
BILL_GROUPS = ("1ST-OF-MONTH", "15TH-OF-MONTH", "QUARTERLY")
ACCOUNT_SOURCES = ("WEB", "CALL-CENTER", "REFERRAL", "ACQUIRED")
SITE_SOURCES = ("CURBSIDE", "FRONT-LOAD", "ROLL-OFF-BOX", "RECYCLING", "ORGANICS")
FIRST_NAMES = (
    "Amara",
    "Björn",
    "Chloé",
    "Dmitri",
    "Eilidh",
    "Farah",
    "Grażyna",
    "Hiro",
    "Inés",
    "Jamal",
    "Keziah",
    "Liam",
    "María José",
    "Nguyễn",
    "Oluwaseun",
    "Priya",
    "Quentin",
    "Rosa",
    "Søren",
    "Tamika",
    "Uma",
    "Vasily",
    "Wren",
    "Yusuf",
)
LAST_NAMES = (
    "Abernathy",
    "Bąk",
    "Castillo",
    "D'Angelo",
    "Eriksen",
    "Fitzgerald",
    "García-López",
    "Huang",
    "Ivanova",
    "Jones",
    "Kowalczyk",
    "Lindqvist",
    "McAllister",
    "Núñez",
    "O'Brien",
    "Park",
    "Quigley",
    "Rao",
    "Şahin",
    "Thompson",
    "Østergård",
)


def write(folder: Path) -> dict[str, Counts]:
    """Writes `divisions.json` and `accounts.ndjson` and returns each division's counts."""
    folder.mkdir(parents=True, exist_ok=True)
    accounts = [account for division, _, _, size in DIVISIONS for account in _accounts(division, size)]
    counts = {division: count(accounts, division) for division, *_ in DIVISIONS}
    if counts["DAYTON"] != DAYTON_COUNTS:
        raise AssertionError(f"DAYTON came out as {counts['DAYTON']}, not as {DAYTON_COUNTS}")
    # Shuffled, so that a division's accounts and a person's accounts lie far apart in the file, as in an export.
    random.Random(SEED).shuffle(accounts)
    divisions = json.dumps([_division(*row) for row in DIVISIONS], ensure_ascii=False, indent=1)
    (folder / "divisions.json").write_text(divisions + "\n", encoding="utf-8")
    lines = (json.dumps(account, ensure_ascii=False, separators=(",", ":")) + "\n" for account in accounts)
    (folder / "accounts.ndjson").write_text("".join(lines), encoding="utf-8")
    return counts


def _division(division: str, name: str, time_zone: str, _size: int) -> dict:
    return {
        "division": division,
        "name": name,
        "email": _address(division.lower()),
        "timeZone": time_zone,
        "portalUrl": f"https://portal.example.com/{division.lower()}",
        "logoUrl": "",
    }


def _accounts(division: str, size: int) -> list[dict]:
    chance = random.Random(f"{SEED}/{division}")
    accounts = [_account(division, number, chance) for number in range(1, size + 1)]
    (_dayton_people if division == "DAYTON" else _people)(accounts, division, chance)
    if division == "OMAHA":
        for account in accounts[:MANAGED_ACCOUNTS]:
            account["contacts"].append(
                {
                    "contactId": "manager",
                    "name": "Prairie Property Management, LLC",
                    "email": _address("omaha-manager"),
                    "billing": True,
                    "portal": "notSent",
                }
            )
    return accounts


def _account(division: str, number: int, chance: random.Random) -> dict:
    account_id = f"{division[:3]}-{number:05}"
    sites = [
        {
            "siteId": f"{account_id}/{site}",
            "siteSource": chance.choice(SITE_SOURCES),
            "activeServices": chance.choices((0, 1, 2, 3, 5), (30, 40, 18, 9, 3))[0],
        }
        for site in range(1, chance.choices((1, 2, 3), (75, 18, 7))[0] + 1)
    ]
    cents = chance.randrange(500, 90_000) if chance.random() < 0.3 else 0
    return {
        "accountId": account_id,
        "name": "",
        "division": division,
        "accountClass": chance.choices(ACCOUNT_CLASSES, (60, 28, 9, 3))[0],
        "billGroup": chance.choice(BILL_GROUPS),
        "accountSource": chance.choice(ACCOUNT_SOURCES),
        "automaticPayment": chance.random() < 0.4,
        "balanceDue": f"{cents // 100}.{cents % 100:02}",
        "sites": sites,
        "contacts": [],
    }


def _address(label: str) -> str:
    return f"success+{label}@simulator.amazonses.com"


def _name(chance: random.Random) -> str:
    return f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"


def _as_typed(address: str, chance: random.Random) -> str:
    """The same address as people type it: with capitals, or blanks around it."""
    return chance.choice((address, address.upper(), f" {address}", f"{address.capitalize()} "))


def _add(account: dict, name: str, email: str, portal: str, *, billing: bool, site: dict | None = None) -> None:
    contact = {"contactId": f"C{len(account['contacts']) + 1}", "name": name, "email": email, "billing": billing, "portal": portal}
    if site:
        contact["siteId"] = site["siteId"]
    account["contacts"].append(contact)
    account["name"] = account["name"] or name


def _people(accounts: list[dict], division: str, chance: random.Random) -> None:
    """Puts one person on each account and more on some. Some people have several accounts, and some cannot be
    reached."""
    for number, account in enumerate(accounts):
        portal = chance.choices(("notSent", "pending", "accepted"), (70, 5, 25))[0]
        label = f"{division.lower()}-{number:05}"
        kind = chance.random()
        if kind < 0.06:
            _add(account, _name(chance), "", portal, billing=True)
        elif kind < 0.07:
            _add(account, _name(chance), chance.choice(("no e-mail", "see notes@", "jörg@simulator.amazonses.com")), portal, billing=True)
        elif kind < 0.17 and number:
            other = chance.randrange(number)
            _add(account, _name(chance), _as_typed(_address(f"{division.lower()}-{other:05}"), chance), portal, billing=True)
        else:
            _add(account, _name(chance), _address(label), portal, billing=True)
        if chance.random() < 0.25:
            address = "" if chance.random() < 0.2 else _address(f"{label}-site")
            _add(account, _name(chance), address, "notSent", billing=False, site=chance.choice(account["sites"]))


def _dayton_people(accounts: list[dict], division: str, chance: random.Random) -> None:
    """Makes exactly the recipients of each status and the active services of DAYTON_COUNTS."""
    wanted = DAYTON_COUNTS
    statuses = ["notSent"] * wanted.not_sent + ["pending"] * wanted.pending + ["accepted"] * wanted.accepted
    people = [(_name(chance), _address(f"{division.lower()}-{number:05}"), status) for number, status in enumerate(statuses)]
    people[0] = (DIFFICULT_NAME, *people[0][1:])
    own_account = people[:980]
    for account, (name, email, status) in zip(accounts[: len(own_account)], own_account, strict=True):
        _add(account, name, email, status, billing=True)
    # The other accounts belong to people who already have one; the old system has not always recorded their status.
    for account in accounts[len(own_account) :]:
        name, email, status = chance.choice(own_account)
        _add(account, name, _as_typed(email, chance), chance.choice((status, "notSent")), billing=True)
    for name, email, status in people[len(own_account) :]:
        account = chance.choice(accounts)
        _add(account, name, email, status, billing=False, site=chance.choice(account["sites"]))
    # The recipient whose e-mail is shown has several accounts, so that the e-mail contains a list.
    for account in accounts[-3:]:
        _add(account, people[0][0], _as_typed(people[0][1], chance), "notSent", billing=False)
    _fit_services(accounts, wanted.active_services, chance)


def _fit_services(accounts: list[dict], wanted: int, chance: random.Random) -> None:
    """Adds or removes single services until their number is right."""
    sites = [site for account in accounts for site in account["sites"]]
    missing = wanted - sum(site["activeServices"] for site in sites)
    while missing:
        change = 1 if missing > 0 else -1
        site = chance.choice([site for site in sites if site["activeServices"] + change >= 0])
        site["activeServices"] += change
        missing -= change


def describe(counts: dict[str, Counts]) -> str:
    statuses = Counter()
    for numbers in counts.values():
        statuses.update(recipients=numbers.total, unreachable=numbers.unreachable)
    accounts = sum(size for *_, size in DIVISIONS)
    return f"{accounts:,} accounts, {statuses['recipients']:,} recipients, {statuses['unreachable']:,} contacts without a usable address"
