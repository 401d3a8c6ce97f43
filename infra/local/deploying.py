"""Deploys template.yaml with `sam deploy` to an instance of the local cloud."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import boto3
import botocore.exceptions
import environment
from botocore.config import Config
from building import architecture
from instance import Instance
from processes import run_tool
from steps import Failure, step
from toolchain import ROOT, VENV

STACK = "portal-invites"
BUCKET = "portal-invites-artifacts"


def client(instance: Instance, endpoint: str, service: str):
    """A boto3 client of the local cloud, independent of the user's AWS settings."""
    settings = environment.for_aws(instance, endpoint)
    session = boto3.session.Session(
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        region_name=environment.REGION,
    )
    return session.client(service, endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 3}))


@dataclass(frozen=True)
class Pace:
    """The sending rate and quota of the SES account; empty values keep those of the local SES (14 e-mails a second,
    50,000 a day)."""

    rate: str = ""
    quota: str = ""


# For tests and benchmarks, which the sending rate must not slow down.
UNHURRIED = Pace(rate="10000", quota="100000000")


def deploy(instance: Instance, endpoint: str, template: Path, pace: Pace) -> None:
    log = instance.folder / "deploy.log"
    log.unlink(missing_ok=True)
    with step("Deploying template.yaml (sam deploy)"):
        client(instance, endpoint, "s3").create_bucket(Bucket=BUCKET)
        command = [
            str(VENV / "bin" / "sam"),
            "deploy",
            "--template-file",
            str(template),
            "--stack-name",
            STACK,
            "--s3-bucket",
            BUCKET,
            "--capabilities",
            "CAPABILITY_IAM",
            "--no-confirm-changeset",
            "--no-fail-on-empty-changeset",
            "--no-progressbar",
            "--region",
            environment.REGION,
            "--parameter-overrides",
            f"AwsEndpointUrl={endpoint}",
            f"Architecture={architecture()}",
            "LogRetentionDays=1",
            # The operator signs in with a generated password alone.
            "OperatorMfa=OFF",
            "ImportClient=true",
            # Quoted, since sam keeps the last value of a parameter without one: an empty value must be given, too.
            f'SesSendRate="{pace.rate}"',
            f'SesDailyQuota="{pace.quota}"',
        ]
        tools = environment.for_tools(instance, endpoint) | {"SAM_CLI_POLL_DELAY": "0.2"}
        if run_tool(command, environment=tools, folder=ROOT, log=log) != 0:
            raise Failure(
                "sam deploy failed", f"its output is in {log}, the local cloud's in {instance.log}.", log.read_text(errors="replace")
            )


def outputs(instance: Instance, endpoint: str) -> dict[str, str] | None:
    """The outputs of the deployed stack, or None if there is none."""
    try:
        stacks = client(instance, endpoint, "cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    except botocore.exceptions.ClientError:
        return None
    return {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}


def resources(instance: Instance, endpoint: str, kind: str) -> dict[str, str]:
    """The physical ids of the stack's resources of a kind, by their logical ids."""
    pages = client(instance, endpoint, "cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
    listed = (resource for page in pages for resource in page["StackResourceSummaries"])
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in listed if one["ResourceType"] == kind}
