"""Runs ministack with this project's patches (the folder patches) and, for `make bench`, with the count of calls
(meter.py).

If a patch does not fit the installed ministack, this runs without it and says so.
"""

from __future__ import annotations

import functools
import os
import runpy
from collections.abc import Callable

from patches import gateway_responses, hosted_session, invocation_latency, policy_rules, raw_paths, renewed_groups, scheduling

# Variable that turns on the count of calls (meter.py).
METER = "PORTAL_METER"
# Variable that makes ministack enforce policies.
ENFORCE = "AUTH"
STOCK = "runs without"


def changes(enforced: bool) -> dict[str, Callable[[], None]]:
    """The patches to install, by what ministack lacks without them."""
    always = {
        "quick invocations": invocation_latency.install,
        "groups in renewed tokens": renewed_groups.install,
        "the gateway's own refusals": gateway_responses.install,
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
