"""What each command does, in the order in which it does it."""

from __future__ import annotations

import argparse
import time

import building
import deploying
import emulator
import stack
from instance import Instance
from steps import duration, say, step


def run(options: argparse.Namespace) -> int:
    instance = Instance(options.instance)
    match options.command:
        case "up":
            return up(instance)
        case "down":
            return down(instance)
    raise AssertionError(options.command)


def up(instance: Instance) -> int:
    started = time.monotonic()
    with instance.locked():
        known = bring_up(instance)
    say(f"\nThe local cloud is up after {duration(time.monotonic() - started)}.")
    where(instance, known)
    say(f"End it with `make down{instance.hint}`.")
    return 0


def bring_up(instance: Instance) -> dict:
    """Builds, starts what does not run yet, deploys. A local cloud that was up before stays up if this fails."""
    template = building.build(instance)
    endpoint = emulator.running(instance)
    if endpoint:
        say(f"» The local cloud is up already ({endpoint}): deploying what changed")
        return _deploy(instance, endpoint, template)
    try:
        return _deploy(instance, emulator.start(instance), template)
    except BaseException:
        emulator.stop(instance)
        raise


def _deploy(instance: Instance, endpoint: str, template) -> dict:
    deploying.deploy(instance, endpoint, template)
    return stack.prepare(instance, endpoint)


def where(instance: Instance, known: dict) -> None:
    say(f"  API       {known['apiUrl']}/v1\n  Mailbox   {known['mailbox']}\n"
        f"  Operator  {known['operator']['username']}, password in {instance.stack_file}")


def down(instance: Instance) -> int:
    with instance.locked(), step("Ending the local cloud"):
        if not emulator.stop(instance):
            say("  it was not up")
    return 0
