"""Imports a folder of customers (`divisions.json`, `accounts.ndjson`) through the API. Importing is idempotent."""

from __future__ import annotations

import concurrent.futures
import json
import time
import unicodedata
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from api import Api
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from steps import Failure, duration, say
from utf8 import require_utf8, without_mark

ACCOUNTS_PER_CALL = 500
# Lambda accepts 6 MB, including what API Gateway adds around the body.
BYTES_PER_CALL = 3_000_000
CALLS_AT_ONCE = 4
FAULTS_SHOWN = 50
WARNINGS_SHOWN = 20
# A chunk is given up after this many consecutive calls that store nothing of it.
FRUITLESS_CALLS = 5


@dataclass
class Chunk:
    """Lines for one call, at most one per account, so that the lines of an account are imported in their order."""

    lines: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    accounts: set[str] = field(default_factory=set)
    size: int = 0

    def add(self, number: int, line: bytes, account: str) -> None:
        self.lines.append(line)
        self.numbers.append(number)
        self.accounts.add(account)
        self.size += len(line) + 1

    def takes(self, line: bytes, account: str) -> bool:
        return len(self.lines) < ACCOUNTS_PER_CALL and self.size + len(line) < BYTES_PER_CALL and account not in self.accounts


@dataclass
class Tally:
    """The results of the lines."""

    stored: int = 0
    refused: int = 0
    # Line, account, and a text with the field: an account may have several entries.
    faults: list[tuple[int, str, str]] = field(default_factory=list)
    warnings: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.stored += other.stored
        self.refused += other.refused
        self.warnings += other.warnings
        self.faults += other.faults


def import_folder(api: Api, folder: Path) -> bool:
    """Imports everything that the API accepts, prints what it refused, and returns whether all was imported."""
    started = time.monotonic()
    divisions, accounts = folder / "divisions.json", folder / "accounts.ndjson"
    if not divisions.is_file() or not accounts.is_file():
        raise Failure(f"{folder} lacks divisions.json or accounts.ndjson", "name a folder that holds both: `make import DATA=<folder>`.")
    require_utf8(divisions)
    total = require_utf8(accounts)
    _import_divisions(api, divisions)
    tally = Tally()
    with Progress(
        TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True)
    ) as progress:
        task = progress.add_task("accounts", total=total)
        _import_accounts(api, accounts, tally, lambda count: progress.advance(task, count))
    seconds = time.monotonic() - started
    say(
        f"  {tally.stored:,} accounts stored, {tally.refused:,} refused, {len(tally.warnings):,} warnings "
        f"in {duration(seconds)} ({total / max(seconds, 0.001):,.0f} accounts/s)"
    )
    _show("refused", tally.faults, FAULTS_SHOWN)
    _show("warning", tally.warnings, WARNINGS_SHOWN)
    return not tally.refused


def _show(kind: str, told: list[tuple[int, str, str]], most: int) -> None:
    for number, account, why in sorted(told)[:most]:
        say(f"  {kind}: line {number}, account {account or '(unknown)'}: {why}")
    if len(told) > most:
        say(f"  ... and {len(told) - most:,} more")


def _import_divisions(api: Api, path: Path) -> None:
    try:
        divisions = json.loads(without_mark(path.read_bytes()))
        names = [division["division"] for division in divisions]
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(f"{path} is not a list of divisions: {error}", "mend the file and run the command again.") from error
    for name, division in zip(names, divisions, strict=True):
        answer = api.call("PUT", f"{api.base}/divisions/{urllib.parse.quote(name, safe='')}", json.dumps(division).encode())
        if not answer.ok:
            raise Failure(f"division {name} was refused: {answer.problem()}", f"mend {path} and run the command again.")
        for warning in answer.body.get("warnings", []):
            say(f"  warning: division {name}: {warning['field']}: {warning['message']}")
    say(f"  {len(names)} divisions stored")


def _import_accounts(api: Api, path: Path, tally: Tally, advance) -> None:
    """Keeps a few calls in flight. A call waits for earlier calls that contain one of its accounts."""
    under_way: dict[concurrent.futures.Future, Chunk] = {}

    def settle(futures) -> None:
        for future in futures:
            chunk = under_way.pop(future)
            tally.add(future.result())
            advance(len(chunk.lines))

    with concurrent.futures.ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        try:
            for chunk in _chunks(path, tally, advance):
                while len(under_way) >= CALLS_AT_ONCE or any(chunk.accounts & other.accounts for other in under_way.values()):
                    settle(concurrent.futures.wait(under_way, return_when=concurrent.futures.FIRST_COMPLETED).done)
                under_way[pool.submit(_post, api, chunk)] = chunk
            settle(list(concurrent.futures.wait(under_way).done))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _chunks(path: Path, tally: Tally, advance) -> Iterator[Chunk]:
    chunk = Chunk()
    with open(path, "rb") as lines:
        for number, line in enumerate(lines, 1):
            line = without_mark(line).strip()
            if not line:
                continue
            try:
                account = _same(json.loads(line)["accountId"])
            except (ValueError, KeyError, TypeError) as error:
                tally.refused += 1
                tally.faults.append((number, "", f"not an account in JSON: {error}"))
                advance(1)
                continue
            if chunk.lines and not chunk.takes(line, account):
                yield chunk
                chunk = Chunk()
            chunk.add(number, line, account)
    if chunk.lines:
        yield chunk


def _same(account: object) -> str:
    """A key that is equal for all ids that may be one account: the API takes no notice of white space, hidden
    characters and Unicode forms.
    """
    if not isinstance(account, str):
        raise TypeError("accountId is not text")
    seen = "".join(character for character in account if unicodedata.category(character)[0] not in "ZC")
    return unicodedata.normalize("NFC", seen)


def _post(api: Api, chunk: Chunk) -> Tally:
    """Posts a chunk, and posts again the lines that the API did not reach."""
    tally, left, fruitless = Tally(), list(zip(chunk.numbers, chunk.lines, strict=True)), 0
    while left:
        answer = api.call("POST", f"{api.base}/accounts", b"\n".join(line for _, line in left) + b"\n", "application/x-ndjson")
        if answer.status in (401, 403):
            raise Failure(
                f"the API does not let this operator import: {answer.problem()}", "importing needs the permission (group) `directory`."
            )
        if "stored" not in answer.body:
            raise Failure(
                f"lines {left[0][0]} to {left[-1][0]} were refused as a whole: {answer.problem()}",
                "mend those lines and run the command again; it may be repeated.",
            )
        fruitless = 0 if answer.body["stored"] else fruitless + 1
        tally.stored += answer.body["stored"]
        again = []
        for result in answer.body.get("results", []):
            number, faults = left[result["index"]][0], result.get("errors") or []
            if result.get("retry") and fruitless < FRUITLESS_CALLS:
                again.append(left[result["index"]])
                continue
            tally.refused += bool(faults)
            for told, fields in ((tally.faults, faults), (tally.warnings, result.get("warnings") or [])):
                told += [(number, result.get("accountId") or "", f"{at['field']}: {at['message']}") for at in fields]
        left = again
    return tally
