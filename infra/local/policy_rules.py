"""Two rules by which AWS authorises calls and ministack does not yet; needed where policies are enforced.

The batch calls of SQS are authorised as their single ones (Service Authorization Reference: there is no
sqs:SendMessageBatch), and sending an e-mail on the sender's identity.
"""

from __future__ import annotations

import email.utils
import json

BATCHES = {"sqs:SendMessageBatch": "sqs:SendMessage", "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
           "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility"}
SEND_EMAIL = "/v2/email/outbound-emails"


def install() -> None:
    """Puts both rules around ministack's own; LookupError if those are not as expected."""
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
        return stock_resource(service, method, path, headers, body, query_params, region, account_id)

    iam_actions.extract_iam_action, iam_actions.extract_resource_arn = action, resource


def _sender_domain(body: bytes) -> str:
    try:
        sender = json.loads(body).get("FromEmailAddress") or ""
    except (ValueError, AttributeError):
        return ""
    return email.utils.parseaddr(sender)[1].rpartition("@")[2]
