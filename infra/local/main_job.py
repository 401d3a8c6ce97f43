"""The main job with the sample customers: Load DAYTON, send to everyone without access, follow the campaign, show an
e-mail."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.parse
import urllib.request
import uuid

from api import Api
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from steps import Failure, say, step

DIVISION = "DAYTON"
TEMPLATE = "portal-invitation"
END_STATES = frozenset({"cancelled", "completed"})
# The sweep takes up the work of a crashed function after a few minutes. After this time without progress there is no
# hope.
NO_PROGRESS_FOR = 600.0
HEADINGS = (
    ("total", "Total Count"),
    ("activeServices", "Active Services Count"),
    ("accepted", "Portal Invite Accepted"),
    ("pending", "Invite Acceptance Pending"),
    ("notSent", "Portal Invite Not Sent"),
)


def load(api: Api, division: str) -> dict:
    answer = api.get("/v1/counts?" + urllib.parse.urlencode({"division": division}))
    if not answer.ok:
        raise Failure(f"Load was refused: {answer.problem()}", "see what the function load logged (`make logs`).")
    return answer.body


def show_counts(counts: dict) -> None:
    say("  " + "  ".join(heading for _, heading in HEADINGS))
    say("  " + "  ".join(f"{counts[name]:,}".rjust(len(heading)) for name, heading in HEADINGS))


def send(api: Api, division: str, sender: str, expected: int) -> str:
    """Starts a campaign, or finds the division's running one, and returns its id."""
    order = {"filter": {"division": division}, "templateId": TEMPLATE, "emailFrom": sender, "expectedRecipients": expected}
    answer = api.call("POST", "/v1/campaigns", json.dumps(order).encode(), headers={"Idempotency-Key": str(uuid.uuid4())})
    if answer.status == 409 and "campaignId" in answer.body:
        say(f"  a campaign is at work on {division} already: following that one")
    elif not answer.ok:
        raise Failure(f"Send was refused: {answer.problem()}", "see what the function send logged (`make logs`).")
    for warning in answer.body.get("warnings") or []:
        say(f"  warning: {warning}")
    return answer.body["campaignId"]


def follow(api: Api, campaign: str) -> dict:
    """Shows the campaign's progress until it ends, and returns its final state."""
    with Progress(TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("preparing", total=None)
        seen, since = None, time.monotonic()
        while True:
            answer = api.get(f"/v1/campaigns/{campaign}")
            if not answer.ok:
                raise Failure(
                    f"campaign {campaign} can't be read: {answer.problem()}", "see what the function campaigns logged (`make logs`)."
                )
            state, outcomes = answer.body["state"], answer.body["outcomes"]
            settled = sum(count for outcome, count in outcomes.items() if outcome not in ("queued", "claimed"))
            progress.update(task, description=state, completed=settled, total=answer.body.get("audience"))
            if state in END_STATES:
                return answer.body
            if (state, outcomes) != seen:
                seen, since = (state, outcomes), time.monotonic()
            if time.monotonic() - since > NO_PROGRESS_FOR:
                raise Failure(f"campaign {campaign} stands still, {state} with {outcomes}", "see what the functions logged (`make logs`).")
            time.sleep(0.3)


def demonstrate(api: Api, stack: dict, sender: str) -> tuple[dict, dict]:
    """Runs the main job and shows it. Returns the counts before it, and the outcomes of the campaign if there was
    one."""
    outcomes: dict = {}
    with step(f"Load: {DIVISION}"):
        counts = load(api, DIVISION)
        show_counts(counts)
    if counts["willEmail"]:
        with step(f"Send Email: to the {counts['willEmail']} of {DIVISION} without access"):
            campaign = follow(api, send(api, DIVISION, sender, counts["willEmail"]))
            outcomes = campaign["outcomes"]
            say(
                "  "
                + ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items() if count)
                + f"; campaign {campaign['campaignId']} {campaign['state']}"
            )
    else:
        say(
            f"» Nobody to send to: {counts['excluded'].get('recentlyInvited', 0)} were invited within the last 24 hours, "
            "which an earlier run of this local cloud did."
        )
    if mail := _a_mail(stack):
        say("\nOne of the e-mails, as received:\n")
        _show(mail)
    return counts, outcomes


def _a_mail(stack: dict) -> dict | None:
    """The longest e-mail, whose recipient has several accounts."""
    with contextlib.closing(urllib.request.urlopen(stack["mailbox"], timeout=10)) as mailbox:
        mails = [mail for account in json.load(mailbox)["messages"].values() for mail in account]
    return max(mails, key=lambda mail: len(mail["BodyText"]), default=None)


def _show(mail: dict) -> None:
    lines = [f"From: {mail['Source']}", f"To: {', '.join(mail['To'])}", f"Subject: {mail['Subject']}", "", *mail["BodyText"].splitlines()]
    say("\n".join("  | " + line for line in lines))
