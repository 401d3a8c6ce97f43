"""Divisions and campaigns for tests of the page, made through the API, and states of the ledger that no test could wait
for.
"""

from __future__ import annotations

import functools
import json
import time
import urllib.request
import uuid

import boto3
from page import Stack, running_stack

# The mailbox simulator of SES accepts every e-mail to this name with any label.
ADDRESS = "success+{}@simulator.amazonses.com"


class Campaigns:
    """Does to a running local cloud what operators and billing systems do, and what goes wrong by itself."""

    def __init__(self, stack: Stack) -> None:
        self._known = stack.known
        self._table = self._aws("dynamodb", boto3.resource).Table(stack.known["tables"]["campaigns"])
        self._directory = self._aws("dynamodb", boto3.resource).Table(stack.known["tables"]["directory"])
        name, password = stack.operator()
        signed_in = self._aws("cognito-idp", boto3.client).initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH", ClientId=stack.known["clientId"], AuthParameters={"USERNAME": name, "PASSWORD": password}
        )
        self._token = signed_in["AuthenticationResult"]["IdToken"]

    def division(self, people: int, **more: str) -> str:
        """A division of its own with this many people, none invited, and with `more` fields; returns its name."""
        division = f"C{uuid.uuid4().hex[:7].upper()}"
        self.call(
            "PUT",
            f"divisions/{division}",
            {
                "name": f"Hauling {division}",
                "email": ADDRESS.format(division.lower()),
                "timeZone": "America/New_York",
                "portalUrl": "https://portal.example.com",
                **more,
            },
        )
        self.call("POST", "accounts", [self._account(division, number) for number in range(people)])
        return division

    @staticmethod
    def address(division: str, number: int) -> str:
        return ADDRESS.format(f"{division.lower()}-{number:03}")

    def _account(self, division: str, number: int) -> dict:
        account = f"{division}-{number:03}"
        contact = {"contactId": "1", "name": f"Person {number:03}", "email": self.address(division, number), "billing": True}
        return {
            "accountId": account,
            "name": "",
            "division": division,
            "accountClass": "RESIDENTIAL",
            "billGroup": "MONTHLY",
            "accountSource": "WEB",
            "automaticPayment": False,
            "balanceDue": "0.00",
            "sites": [{"siteId": f"{account}/1", "siteSource": "CURBSIDE", "activeServices": 1}],
            "contacts": [contact],
        }

    def start(self, division: str, people: int, **more: object) -> str:
        """Starts a campaign to everyone in a division; returns its id."""
        body = {
            "filter": {"division": division},
            "templateId": "portal-invitation",
            "emailFrom": ADDRESS.format(division.lower()),
            "expectedRecipients": people,
            **more,
        }
        return self.call("POST", "campaigns", body, {"Idempotency-Key": str(uuid.uuid4())})["campaignId"]

    def completed(self, division: str, people: int, **more: object) -> str:
        """Starts a campaign, waits until all its e-mails were sent, and returns its id."""
        campaign = self.start(division, people, **more)
        deadline = time.monotonic() + 120
        while not self.call("GET", f"campaigns/{campaign}")["completedAt"]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"campaign {campaign} does not end")
            time.sleep(0.5)
        return campaign

    def recipients(self, division: str) -> list[dict]:
        return sorted(self.call("GET", f"recipients?division={division}&limit=1000")["items"], key=lambda row: row["email"])

    def call(self, method: str, path: str, body: object = None, headers: dict | None = None) -> dict:
        request = urllib.request.Request(
            f"{self._known['apiUrl']}/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **(headers or {})},
        )
        with urllib.request.urlopen(request, timeout=40) as answer:
            return json.load(answer)

    def turn(self, campaign: str, people: int, outcome: str) -> None:
        """Makes some `sent` people `failed` or `unconfirmed`, in their rows and in the counters, as deliver would."""
        sent = [row for row in self._shards(campaign, "LEDGER#") if row["outcome"] == "sent"][:people]
        for row in sent:
            self._table.update_item(
                Key={"pk": row["pk"], "sk": row["sk"]},
                UpdateExpression="SET outcome = :to, reason = :reason, attention = :attention",
                ExpressionAttributeValues={
                    ":to": outcome,
                    ":reason": "Throttling" if outcome == "failed" else "neverRecorded",
                    ":attention": f"{campaign}#{outcome}",
                },
            )
            self._count(row["pk"], {"sent": -1, outcome: 1})

    def report(self, campaign: str, **feedback: int) -> None:
        """Adds to the counts of SES's reports, such as `delivered=3`."""
        self._count(self._shards(campaign, "CURSOR")[0]["pk"], feedback)

    def stop(self, campaign: str, state: str, reason: str) -> None:
        """Pauses or halts a campaign as if it had happened automatically."""
        self._table.update_item(
            Key={"pk": "CAMPAIGNS", "sk": campaign},
            UpdateExpression="SET #state = :state, stateReason = :reason",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":state": state, ":reason": reason},
        )

    def undeliverable(self, recipient: str, why: str) -> None:
        """Marks a person as undeliverable: their mail bounced, or they complained."""
        self._directory.update_item(
            Key={"pk": f"RECIPIENT#{recipient}", "sk": "RECIPIENT"},
            UpdateExpression="SET undeliverable = :why",
            ExpressionAttributeValues={":why": why},
        )

    def _count(self, shard: str, changes: dict[str, int]) -> None:
        names = {f"#{name}": name for name in changes}
        self._table.update_item(
            Key={"pk": shard, "sk": "COUNTER#0"},
            UpdateExpression="ADD " + ", ".join(f"#{name} :{name}" for name in changes),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={f":{name}": number for name, number in changes.items()},
        )

    def _shards(self, campaign: str, prefix: str) -> list[dict]:
        return [
            row
            for shard in range(8)
            for row in self._table.query(
                KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
                ConsistentRead=True,
                ExpressionAttributeValues={":pk": f"CAMPAIGN#{campaign}#{shard}", ":sk": prefix},
            )["Items"]
        ]

    def _aws(self, service: str, make):
        return make(
            service,
            endpoint_url=self._known["awsEndpoint"],
            region_name=self._known["region"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@functools.cache
def signed_in() -> Campaigns:
    """The one instance for all tests of a process."""
    return Campaigns(running_stack())
