"""Runs ministack with this project's patches (the folder patches) and, for `make bench`, with the counting of calls
(meter.py).

Where ministack is not as a patch expects it, it runs without that patch, and this says so.
"""

from __future__ import annotations

import functools
import os
import runpy
from collections.abc import Callable

from patches import hosted_session, invocation_latency, policy_rules, raw_paths, renewed_groups, scheduling

# Variable that asks for the counting of calls (meter.py).
METER = "PORTAL_METER"
# Variable by which ministack enforces policies.
ENFORCE = "AUTH"
STOCK = "runs without"


def changes(enforced: bool) -> dict[str, Callable[[], None]]:
    """What is installed, by what ministack lacks without it."""
    always = {
        "quick invocations": invocation_latency.install,
        "groups in renewed tokens": renewed_groups.install,
        "paths with their escapes": raw_paths.install,
        "sessions of the hosted sign-in": hosted_session.install,
        "time zones and retries of schedules": functools.partial(
            scheduling.install, policy_rules.refused_to_scheduler if enforced else None
        ),
    }
    rules = {"AWS's rules for batch calls, senders, partition keys and schedules": policy_rules.install}
    return always | (rules if enforced else {})


def main() -> None:
    for change, install in changes(bool(os.environ.get(ENFORCE))).items():
        try:
            install()
        except (ImportError, AttributeError, LookupError) as missing:
            print(f"ministack {STOCK} {change}: not found: {missing}", flush=True)
    if os.environ.get(METER):
        import ministack.app
        from meter import Meter

        ministack.app.app = Meter(ministack.app.app)
    runpy.run_module("ministack", run_name="__main__")


if __name__ == "__main__":
    main()
