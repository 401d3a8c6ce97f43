"""Writes what the functions of a local cloud logged into one file, in the order of time."""

from __future__ import annotations

from pathlib import Path

import botocore.exceptions

import emulator
from deploying import client
from instance import Instance


def save(instance: Instance) -> Path | None:
    """The file, or nothing if the local cloud does not answer."""
    if (endpoint := emulator.running(instance)) is None:
        return None
    logs = client(instance, endpoint, "logs")
    lines = []
    try:
        for page in logs.get_paginator("describe_log_groups").paginate():
            for group in page["logGroups"]:
                name = group["logGroupName"]
                for events in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                    lines += [(event["timestamp"], name.rsplit("/", 1)[-1], event["message"].rstrip()) for event in events["events"]]
    except botocore.exceptions.BotoCoreError:
        return None
    file = instance.folder / "functions.log"
    file.write_text("".join(f"{function:10} {message}\n" for _, function, message in sorted(lines, key=lambda line: line[0])), encoding="utf-8")
    return file
