"""The logs of a local cloud's functions, in order of time, printed or written into one file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import botocore.exceptions
import emulator
from deploying import client
from instance import Instance

# Most events in one answer.
PAGE = 10_000


def read(instance: Instance) -> list[tuple[int, str, str]] | None:
    """Time, function and message of every line, or None if the local cloud does not answer."""
    if (endpoint := emulator.running(instance)) is None:
        return None
    logs = client(instance, endpoint, "logs")
    lines = []
    try:
        for page in logs.get_paginator("describe_log_groups").paginate():
            for group in page["logGroups"]:
                name = group["logGroupName"]
                lines += [(event["timestamp"], name.rsplit("/", 1)[-1], event["message"].rstrip()) for event in events(logs, name)]
    except botocore.exceptions.BotoCoreError:
        return None
    return sorted(lines, key=lambda line: line[0])


def events(logs, group: str) -> Iterator[dict]:
    """All events of a log group. ministack's FilterLogEvents gives no token for the next page, so this continues by
    time.
    """
    start = 0
    while len(page := logs.filter_log_events(logGroupName=group, startTime=start)["events"]) == PAGE:
        # The last millisecond may continue on the next page, so it is read again, unless it fills the page alone.
        first, last = page[0]["timestamp"], page[-1]["timestamp"]
        start = last if first < last else last + 1
        yield from (event for event in page if event["timestamp"] < start)
    yield from page


def file_of(instance: Instance) -> Path:
    return instance.folder / "functions.log"


def save(instance: Instance) -> Path | None:
    """The written file, or None if the local cloud does not answer."""
    if (lines := read(instance)) is None:
        return None
    file = file_of(instance)
    file.write_text("".join(f"{function:10} {message}\n" for _, function, message in lines), encoding="utf-8")
    return file
