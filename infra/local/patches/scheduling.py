"""EventBridge Scheduler computes times and calls its targets as AWS's does.

Mends (read in ministack's source): it takes every time for UTC, leaves the names in angle brackets in the input,
counts a rate from one interval after the schedule was made, runs an `at()` once in a life even if it is changed, calls
a function without retries and failure destination, and loses what it can't call; its CloudFormation drops time zone,
dates and what is done after completion. Here, by the User Guide of EventBridge Scheduler ("Schedule types", "Context
attributes", "DLQ"):

- local times count in the schedule's time zone; one that a change of clocks leaves out is skipped, one that comes
  twice runs once;
- a rate begins at the start date, or at once;
- what is changed begins anew, and time zones, expressions and start dates that AWS refuses are refused;
- a function is called asynchronously, as `Invoke` with the type Event is;
- what can't be called goes to the dead-letter queue, though at once and not after AWS's retries.

Upstream: ministack/services/scheduler.py (`_tick_schedules`, `_create_schedule`, `_update_schedule`),
ministack/services/eventbridge.py (`_dispatch_to_lambda`) and the handlers of AWS::Scheduler::Schedule in
ministack/services/cloudformation/provisioners.py.
"""

from __future__ import annotations

import functools
import json
import re
import time
import uuid
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# AWS promises only the minute, but tests can't wait for ministack's ten seconds.
TICK = 1
# How old a start date may be, in seconds. No page documents this; AWS's refusal names it.
OLDEST_START = 300
# The properties of a schedule that ministack's CloudFormation drops.
DROPPED = ("ScheduleExpressionTimezone", "StartDate", "EndDate", "ActionAfterCompletion")


def install(refused_to_role=None) -> None:
    """Replaces ministack's scheduler; LookupError if it is not as expected.

    `refused_to_role(role, action, resource, group)` returns code and text of the refusal if the role may not do that
    for a group.
    """
    from ministack.services import eventbridge, lambda_svc, scheduler, sqs
    from ministack.services.cloudformation import provisioners

    needed = {
        scheduler: (
            "_schedules",
            "_tick_schedules",
            "_create_schedule",
            "_update_schedule",
            "_to_epoch",
            "_error",
            "_group_arn",
            "_SCHEDULE_TICK_INTERVAL",
        ),
        eventbridge: ("_invoke_target", "_dispatch_to_lambda", "_parse_rate_seconds", "_parse_cron_fields", "_cron_next_fire"),
        lambda_svc: ("_get_func_record_for_ref", "_execution_record_for_config", "invoke_async_with_retry"),
        sqs: ("_queue_by_arn", "_ensure_msg_fields"),
    }
    for module, names in needed.items():
        if missing := [name for name in names if not hasattr(module, name)]:
            raise LookupError(f"ministack's {module.__name__}.{missing[0]}")
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"]
    handlers["create"], handlers["update"] = _kept(handlers["create"]), _kept(handlers["update"])
    scheduler._create_schedule, scheduler._update_schedule = _checked(scheduler._create_schedule), _checked(scheduler._update_schedule)
    eventbridge._dispatch_to_lambda = _call_asynchronously
    scheduler._tick_schedules = Ticker(refused_to_role).tick
    scheduler._SCHEDULE_TICK_INTERVAL = TICK


# --- when a schedule is due


def next_run(schedule: dict, last: float | None, begun: float) -> float | None:
    """When the schedule is due next: after its `last` run or, before the first run, from `begun` on. None if it is
    never due again.
    """
    from ministack.services import eventbridge, scheduler

    expression = schedule["ScheduleExpression"].strip()
    zone = zoneinfo.ZoneInfo(schedule.get("ScheduleExpressionTimezone") or "UTC")
    start, end = scheduler._to_epoch(schedule.get("StartDate")), scheduler._to_epoch(schedule.get("EndDate"))
    if once := _once(expression):
        return once.replace(tzinfo=zone).timestamp() if last is None else None
    if interval := eventbridge._parse_rate_seconds(expression):
        due = last + interval if last is not None else begun if start is None else start
    else:
        due = _next_of_cron(expression, zone, last, begun if start is None else max(start, begun))
    return due if due is not None and (end is None or due < end) else None


def _once(expression: str) -> datetime | None:
    at = re.fullmatch(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)", expression)
    return datetime.fromisoformat(at[1]) if at else None


def _next_of_cron(expression: str, zone: zoneinfo.ZoneInfo, last: float | None, start: float) -> float | None:
    from ministack.services import eventbridge

    fields = eventbridge._parse_cron_fields(expression)
    # ministack's next time is at least a minute after the given one.
    after = start - 60 if last is None else last
    local = datetime.fromtimestamp(after, zone).replace(tzinfo=UTC)
    while fields and (local := eventbridge._cron_next_fire(fields, local)):
        # `fold` 0 is the first occurrence of a time that occurs twice.
        due = local.replace(tzinfo=zone)
        left_out = due.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None)
        if not left_out and due.timestamp() > after and due.timestamp() >= start:
            return due.timestamp()
    return None


def fault(schedule: dict, now: float) -> str | None:
    """AWS's reason to refuse this schedule, or None."""
    from ministack.services import eventbridge, scheduler

    expression = schedule.get("ScheduleExpression", "").strip()
    if not (_once(expression) or eventbridge._parse_rate_seconds(expression) or eventbridge._parse_cron_fields(expression)):
        return f"Invalid Schedule Expression {expression}."
    try:
        zoneinfo.ZoneInfo(schedule.get("ScheduleExpressionTimezone") or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return "Invalid ScheduleExpressionTimezone."
    start = scheduler._to_epoch(schedule.get("StartDate"))
    if start is not None and start < now - OLDEST_START:
        return "The StartDate you specify cannot be earlier than 5 minutes ago."
    return None


# --- what ministack stores


def _checked(store):
    from ministack.services import scheduler

    @functools.wraps(store)
    def checked(name, body):
        found = fault(body, time.time()) if body.get("ScheduleExpression") else None
        return scheduler._error(400, "ValidationException", found) if found else store(name, body)

    return checked


def _kept(provision):
    from ministack.services import scheduler

    @functools.wraps(provision)
    def provisioned(*positional, **named):
        name, attributes = provision(*positional, **named)
        # The arguments of a creation (logical id, properties, stack) and of an update (id, old properties, new ones,
        # stack).
        properties = [argument for argument in positional if isinstance(argument, dict)][-1]
        if schedule := scheduler._schedules.get(f"{properties.get('GroupName', 'default')}/{name}"):
            schedule.update({key: properties[key] for key in DROPPED if key in properties})
        return name, attributes

    return provisioned


# --- what happens when it is due


@dataclass
class _Known:
    """What the ticker knows of a schedule: since when it has its present form, and its last run since then."""

    version: tuple
    begun: float
    last: float | None = None


class Ticker:
    def __init__(self, refused_to_role=None) -> None:
        self._refused_to_role = refused_to_role
        self._known: dict[tuple, _Known] = {}

    def tick(self) -> None:
        from ministack.core.responses import get_account_id, get_region, set_request_account_id, set_request_region
        from ministack.services import scheduler

        now, stored, account, region = time.time(), scheduler._schedules._data, get_account_id(), get_region()
        self._known = {key: known for key, known in self._known.items() if key in stored}
        try:
            for key, schedule in list(stored.items()):
                set_request_account_id(key[0])
                set_request_region(key[1])
                if self._run(key, schedule, now) and schedule.get("ActionAfterCompletion") == "DELETE":
                    stored.pop(key, None)
        finally:
            set_request_account_id(account)
            set_request_region(region)

    def _run(self, key: tuple, schedule: dict, now: float) -> bool:
        """Runs the schedule if it is due; returns whether it is over."""
        version = (schedule["LastModificationDate"], *(str(schedule.get(name)) for name in ("ScheduleExpression", "State", *DROPPED)))
        known = self._known.get(key)
        if known is None or known.version != version:
            known = self._known[key] = _Known(version, max(schedule["LastModificationDate"], now - 2 * TICK))
        if schedule.get("State") != "ENABLED":
            return False
        due = next_run(schedule, known.last, known.begun)
        if due is not None and due <= now:
            known.last = due
            self._hand_over(schedule, due, key)
            due = next_run(schedule, known.last, known.begun)
        return due is None

    def _hand_over(self, schedule: dict, due: float, key: tuple) -> None:
        from ministack.services import eventbridge, lambda_svc, scheduler

        account, region, _ = key
        target, execution = schedule["Target"], uuid.uuid4().hex[:16]
        if target.get("Input"):
            target = {**target, "Input": filled(target["Input"], schedule["Arn"], due, execution)}
        function = ":lambda:" in target["Arn"]
        problem = None
        if function and self._refused_to_role:
            problem = self._refused_to_role(
                target["RoleArn"], "lambda:InvokeFunction", target["Arn"], scheduler._group_arn(schedule["GroupName"])
            )
        if function and not problem and lambda_svc._get_func_record_for_ref(target["Arn"])[0] is None:
            problem = ("ResourceNotFoundException", f"Function not found: {target['Arn']}")
        if problem:
            scheduler.logger.warning("Scheduler could not call the target of %s: %s", schedule["Arn"], problem[1])
            _dead_letter(target, schedule["Arn"], due, execution, problem)
            return
        event = {
            "EventId": str(uuid.uuid4()),
            "Source": "aws.scheduler",
            "DetailType": "Scheduled Event",
            "Detail": "{}",
            "Time": due,
            "Resources": [schedule["Arn"]],
            "Account": account,
            "Region": region,
        }
        eventbridge._invoke_target(target, event, schedule)


def filled(text: str, arn: str, due: float, execution: str) -> str:
    """The input with its context attributes replaced as AWS does."""
    values = {"schedule-arn": arn, "scheduled-time": _instant(due), "execution-id": execution, "attempt-number": "1"}
    for name, value in values.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _instant(when: float) -> str:
    return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=int(when))).strftime("%Y-%m-%dT%H:%M:%SZ")


def _call_asynchronously(arn: str, payload: str) -> None:
    from ministack.services import lambda_svc

    record, settings, _ = lambda_svc._get_func_record_for_ref(arn)
    if record and settings:
        lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(record, settings), json.loads(payload))


def _dead_letter(target: dict, arn: str, due: float, execution: str, problem: tuple[str, str]) -> None:
    from ministack.services import sqs

    queue = sqs._queue_by_arn((target.get("DeadLetterConfig") or {}).get("Arn", ""))
    if not queue:
        return
    attributes = {
        "ERROR_CODE": problem[0],
        "ERROR_MESSAGE": problem[1],
        "EXECUTION_ID": execution,
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "0",
        "SCHEDULED_TIME": _instant(due),
        "SCHEDULE_ARN": arn,
        "TARGET_ARN": target["Arn"],
    }
    message = {
        "id": str(uuid.uuid4()),
        "body": target.get("Input") or "{}",
        "message_attributes": {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    }
    sqs._ensure_msg_fields(message)
    queue["messages"].append(message)
