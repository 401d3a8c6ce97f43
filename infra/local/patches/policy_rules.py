"""Where policies are enforced, calls are authorised as on AWS.

Mends:
- The batch calls of SQS need the permission of the single call (Service Authorization Reference: there is no
  sqs:SendMessageBatch), and sending an e-mail needs a permission for the sender's identity.
- The context of a DynamoDB call contains the partition keys that the call names: a condition on dynamodb:LeadingKeys
  with ForAllValues holds for every call that lacks that key of the context. Each table of a batch and each action of a
  transaction has its own context.
- A schedule belongs to its group, while ministack puts each into the group default. Storing a schedule needs
  iam:PassRole for its role, and Scheduler itself may do only what that role allows.

Upstream: ministack/core/iam_actions.py (`extract_iam_action`, `extract_resource_arn`, `dynamodb_service_context`,
`dynamodb_resource_arns`, `dynamodb_transaction_checks`) and ministack/core/iam_evaluator.py (`enforce`).
"""

from __future__ import annotations

import email.utils
import functools
import json
import re

BATCHES = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
SEND_EMAIL = "/v2/email/outbound-emails"
# The partition key of every table.
PARTITION_KEY = "pk"
SCHEDULES = "/schedules/"
SCHEDULER = "scheduler.amazonaws.com"
LEADING_KEYS = "dynamodb:LeadingKeys"
RETURN_VALUES = "dynamodb:ReturnValues"


def install() -> None:
    """Wraps ministack's rules with these; LookupError if ministack's are not as expected."""
    from ministack.core import iam_actions

    stock_action, stock_resource = iam_actions.extract_iam_action, iam_actions.extract_resource_arn
    known = stock_action("sqs", "POST", "/", {"x-amz-target": "AmazonSQS.SendMessageBatch"}, b"", {})
    if known not in ("sqs:SendMessageBatch", "sqs:SendMessage"):
        raise LookupError(f"ministack's extract_iam_action, which answers {known}")

    def action(*arguments, **named):
        found = stock_action(*arguments, **named)
        return BATCHES.get(found, found)

    def resource(service, method, path, headers, body, query_params, region, account_id):
        if service == "ses" and method == "POST" and path == SEND_EMAIL:
            return f"arn:aws:ses:{region}:{account_id}:identity/{_sender_domain(body)}"
        if service == "scheduler" and path.startswith(SCHEDULES):
            return _ScheduleArn.of(path.removeprefix(SCHEDULES), _parsed(body), query_params, region, account_id)
        return stock_resource(service, method, path, headers, body, query_params, region, account_id)

    _install_contexts_of_tables()
    iam_actions.extract_iam_action, iam_actions.extract_resource_arn = action, resource


class _ScheduleArn(str):
    """The ARN of a schedule that a call names, with the role that the schedule gets."""

    role: str | None

    @classmethod
    def of(cls, name: str, request: dict, query: dict, region: str, account: str) -> _ScheduleArn:
        group = request.get("GroupName") or query.get("groupName") or "default"
        schedule = cls(f"arn:aws:scheduler:{region}:{account}:schedule/{group[0] if isinstance(group, list) else group}/{name}")
        schedule.role = (request.get("Target") or {}).get("RoleArn")
        return schedule


class _TableArn(str):
    """The ARN of a table in a batch or in an action of a transaction, with the context for conditions."""

    context: dict

    @classmethod
    def of(cls, arn: str, context: dict) -> _TableArn:
        table = cls(arn)
        table.context = context
        return table


def _install_contexts_of_tables() -> None:
    from ministack.core import iam_actions, iam_evaluator

    stock_context, stock_tables, stock_checks, stock_enforce = (
        iam_actions.dynamodb_service_context,
        iam_actions.dynamodb_resource_arns,
        iam_actions.dynamodb_transaction_checks,
        iam_evaluator.enforce,
    )
    if LEADING_KEYS in stock_context(b'{"Key": {"pk": {"S": "x"}}}'):
        raise LookupError(f"ministack without {LEADING_KEYS}, which it has by now")

    def context(body):
        request = _parsed(body)
        keys, returned = leading_keys(request), request.get("ReturnValues")
        return stock_context(body) | ({LEADING_KEYS: keys} if keys else {}) | ({RETURN_VALUES: returned} if returned else {})

    def of_part(part):
        return context(json.dumps(part).encode())

    # ministack checks all tables of a batch and all actions of a transaction in one context, so each carries its own
    # context in its ARN.
    def tables(body, region, account_id):
        found = stock_tables(body, region, account_id)
        parts = _parsed(body).get("RequestItems")
        if not isinstance(parts, dict) or len(found) != len(parts):
            return found
        keyed = [(part if isinstance(part, dict) else {}) | {"RequestItems": {"": part}} for part in parts.values()]
        return [_TableArn.of(arn, of_part(part)) for arn, part in zip(found, keyed, strict=True)]

    def checks(iam_action, body, region, account_id):
        found = stock_checks(iam_action, body, region, account_id)
        parts = (_parsed(body).get("TransactItems") or []) if found else []
        # An action has one check, unless it is malformed, and then DynamoDB refuses the call anyway.
        if len(found) != len(parts):
            return found
        return [(action, _TableArn.of(arn, of_part(next(iter(part.values()))))) for (action, arn), part in zip(found, parts, strict=True)]

    @functools.wraps(stock_enforce)
    def enforce(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        if isinstance(resource_arn, _TableArn):
            service_context = resource_arn.context
        denied = stock_enforce(access_key_id, iam_action, service, region, resource_arn=resource_arn, service_context=service_context)
        if not denied and isinstance(resource_arn, _ScheduleArn) and resource_arn.role:
            denied = stock_enforce(
                access_key_id,
                "iam:PassRole",
                "iam",
                region,
                resource_arn=resource_arn.role,
                service_context={"iam:PassedToService": SCHEDULER},
            )
        return denied

    iam_actions.dynamodb_service_context, iam_actions.dynamodb_resource_arns = context, tables
    iam_actions.dynamodb_transaction_checks, iam_evaluator.enforce = checks, enforce


def refused_to_scheduler(role: str, action: str, resource: str, group: str) -> tuple[str, str] | None:
    """Code and text of AWS's refusal if Scheduler may not assume this role for this group, or the role may not perform
    the action; else None.
    """
    from ministack.core import iam_evaluator
    from ministack.services import iam

    account, name = role.split(":")[4], role.rpartition("/")[2]

    def asked(action, resource, **context):
        return iam_evaluator.EvalContext(
            principal_arn=role,
            principal_type="AssumedRole",
            principal_account=account,
            action=action,
            resource_arn=resource,
            region=group.split(":")[3],
            service_context=context,
        )

    trust = (iam._roles.get_scoped(account, None, name) or {}).get("AssumeRolePolicyDocument") or {}
    statements = _parsed(trust.encode()) if isinstance(trust, str) else trust
    statements = statements.get("Statement", [])
    context = asked("sts:AssumeRole", role, **{"aws:sourcearn": group, "aws:sourceaccount": account})
    if not any(
        iam_evaluator._service_principal_matches(statement.get("Principal"), SCHEDULER)
        and iam_evaluator._conditions_met(statement.get("Condition", {}), context)
        for statement in ([statements] if isinstance(statements, dict) else statements)
    ):
        return "AccessDeniedException", f"Scheduler may not assume {role}"
    if iam_evaluator.evaluate(asked(action, resource), iam_evaluator._gather_role_policies(name, account)).decision != "Allow":
        return "AccessDeniedException", f"{role} may not {action} on {resource}"
    return None


def leading_keys(request: dict) -> list[str]:
    """The partition keys that a call or an action of a transaction names; none for a query of an index."""
    items = [request.get("Key"), request.get("Item")]
    for of_table in (request.get("RequestItems") or {}).values():
        if isinstance(of_table, dict):
            items += of_table.get("Keys") or []
        else:
            items += [write.get("PutRequest", {}).get("Item") or write.get("DeleteRequest", {}).get("Key") for write in of_table]
    values = [item[PARTITION_KEY] for item in items if item and PARTITION_KEY in item]
    names = request.get("ExpressionAttributeNames") or {}
    for name, value in re.findall(r"(#?\w+)\s*=\s*(:\w+)", request.get("KeyConditionExpression") or ""):
        if names.get(name, name) == PARTITION_KEY:
            values.append(request["ExpressionAttributeValues"][value])
    return [value["S"] for value in values]


def _parsed(body: bytes) -> dict:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _sender_domain(body: bytes) -> str:
    return email.utils.parseaddr(_parsed(body).get("FromEmailAddress") or "")[1].rpartition("@")[2]
