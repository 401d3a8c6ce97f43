"""Measures import, Load and the full send of one division on a local cloud of its own, and prints the figures."""

from __future__ import annotations

import contextlib
import json
import statistics
import time
import urllib.request
from collections import Counter
from pathlib import Path

import main_job
import meter
import processes
from api import Api, operator_of
from importing import import_folder
from instance import Instance
from steps import Failure, duration, say, step

LOADS = 5


def measure(instance: Instance, stack: dict, folder: Path, division: str | None) -> None:
    api = Api(stack["apiUrl"], operator_of(stack))
    with step(f"Importing {folder}"):
        if not import_folder(api, folder):
            raise Failure("the customers were not imported whole", "see above, and what the functions logged.")
    rows = {row["division"]: row for row in json.loads((folder / "divisions.json").read_text(encoding="utf-8"))}
    if division and division not in rows:
        raise Failure(f"there is no division {division} in {folder}", f"choose one of {', '.join(rows)}.")
    counts = {name: main_job.load(api, name) for name in ([division] if division else rows)}
    division = division or max(counts, key=lambda name: counts[name]["willEmail"])

    with step(f"Load of {division}, {LOADS} times"):
        times = [_seconds(lambda: main_job.load(api, division)) for _ in range(LOADS)]
        main_job.show_counts(counts[division])
        say(f"  median {statistics.median(times) * 1000:.0f} ms, fastest {min(times) * 1000:.0f} ms")

    expected = counts[division]["willEmail"]
    with step(f"Send to the {expected:,} of {division} without access"):
        _meter(stack, "DELETE")
        started = time.monotonic()
        campaign = main_job.send(api, division, rows[division]["email"], expected)
        answered = time.monotonic() - started
        outcomes = main_job.follow(api, campaign)["outcomes"]
        took = time.monotonic() - started
        sent = outcomes["sent"]
        say(
            f"  POST /v1/campaigns answered after {answered * 1000:.0f} ms; {sent:,} sent in {duration(took)} "
            f"({sent / took:,.0f} a second)\n  outcomes: {outcomes}"
        )
    _report(instance, stack, max(1, sum(outcomes.values())))


def _report(instance: Instance, stack: dict, recipients: int) -> None:
    counted = _meter(stack, "GET")
    say("\nAWS calls and write units of the send:")
    for function, calls in counted["calls"].items():
        units = counted["writeUnits"].get(function, 0)
        say(
            f"  {function:10} {sum(calls.values()):7,} calls, {units:9,.0f} write units: "
            + ", ".join(f"{operation} {count:,}" for operation, count in sorted(calls.items(), key=lambda item: -item[1]))
        )
    delivery = ("fan-out", "deliver")
    calls = sum(sum(counted["calls"].get(function, {}).values()) for function in delivery)
    units = sum(counted["writeUnits"].get(function, 0) for function in delivery)
    mails = sum(count for operation, count in counted["calls"].get("deliver", {}).items() if operation.endswith("/outbound-emails"))
    say(
        f"  per recipient over fan-out and delivery: {calls / recipients:.2f} calls "
        f"(of which {mails / recipients:.2f} to SES), {units / recipients:.1f} write units"
    )
    say("\nMost memory that one process of a function took:")
    for function, kilobytes in sorted(_peaks(instance, stack).items()):
        say(f"  {function:18} {kilobytes / 1024:6.1f} MB")


def _peaks(instance: Instance, stack: dict) -> dict[str, int]:
    """Peak resident memory in KB, by the functions' template names."""
    names = {deployed: name for name, deployed in stack["functions"].items()}
    peaks: Counter[str] = Counter()
    for pid in processes.marked(str(instance.folder)):
        with contextlib.suppress(OSError, StopIteration):
            variables = dict(entry.partition("=")[::2] for entry in Path(f"/proc/{pid}/environ").read_text().split("\0"))
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
            if name := names.get(variables.get("AWS_LAMBDA_FUNCTION_NAME", "")):
                peaks[name] = max(peaks[name], peak)
    return peaks


def _meter(stack: dict, method: str) -> dict:
    with urllib.request.urlopen(urllib.request.Request(stack["awsEndpoint"] + meter.PATH, method=method), timeout=10) as answer:
        return json.load(answer)


def _seconds(action) -> float:
    started = time.monotonic()
    action()
    return time.monotonic() - started
