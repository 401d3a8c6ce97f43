"""Makes a deployed stack usable: an operator, verified senders, and the file that tells other programs about it."""

from __future__ import annotations

import contextlib
import json
import secrets

import environment
from deploying import client, outputs, resources
from instance import Instance
from steps import Failure, step

OPERATOR = "operator"
GROUPS = ("390", "directory", "audit")
# The domain of all senders and recipients of the sample customers: on AWS it reaches nobody.
SENDER_IDENTITIES = ("simulator.amazonses.com",)


def prepare(instance: Instance, endpoint: str) -> dict:
    """Creates what the template does not (operator, identities), and writes and returns the stack file."""
    values = outputs(instance, endpoint)
    if values is None:
        raise Failure("the stack is not deployed", f"its log, {instance.folder / 'deploy.log'}, says why.")
    with step("Creating the operator and verifying the senders"):
        password = _remembered_password(instance, values["UserPoolId"]) or _create_operator(instance, endpoint, values["UserPoolId"])
        _verify_senders(instance, endpoint)
    stack = {
        "apiUrl": values["ApiUrl"],
        "awsEndpoint": endpoint,
        "region": environment.REGION,
        "userPoolId": values["UserPoolId"],
        "clientId": values["LocalClientId"],
        "operator": {"username": OPERATOR, "password": password},
        "tables": {"directory": values["DirectoryTable"], "campaigns": values["CampaignsTable"], "audit": values["AuditTable"]},
        "queues": resources(instance, endpoint, "AWS::SQS::Queue"),
        "topics": {"Feedback": values["FeedbackTopic"], "Notices": values["NoticesTopic"]},
        "eventBus": values["EventBus"],
        "scheduleGroup": values["ScheduleGroup"],
        "functions": resources(instance, endpoint, "AWS::Lambda::Function"),
        "mailbox": f"{endpoint}/_ministack/ses/messages",
        "publicUrl": values["PublicUrl"],
        "consoleUrl": values["ConsoleUrl"],
    }
    instance.write_json(instance.stack_file, stack)
    _write_function_variables(instance, endpoint, stack)
    return stack


def _remembered_password(instance: Instance, pool: str) -> str | None:
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError, KeyError):
        stack = json.loads(instance.stack_file.read_text(encoding="utf-8"))
        if stack["userPoolId"] == pool:
            return stack["operator"]["password"]
    return None


def _create_operator(instance: Instance, endpoint: str, pool: str) -> str:
    cognito = client(instance, endpoint, "cognito-idp")
    # The pool's policy requires one character of each kind.
    password = f"{secrets.token_urlsafe(18)}-Aa1"
    with contextlib.suppress(cognito.exceptions.UsernameExistsException):
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=OPERATOR,
            MessageAction="SUPPRESS",
            TemporaryPassword=password,
            UserAttributes=[{"Name": "email", "Value": "operator@example.com"}, {"Name": "email_verified", "Value": "true"}],
        )
    cognito.admin_set_user_password(UserPoolId=pool, Username=OPERATOR, Password=password, Permanent=True)
    for group in GROUPS:
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=OPERATOR, GroupName=group)
    return password


def _verify_senders(instance: Instance, endpoint: str) -> None:
    ses = client(instance, endpoint, "sesv2")
    for identity in SENDER_IDENTITIES:
        with contextlib.suppress(ses.exceptions.AlreadyExistsException):
            ses.create_email_identity(EmailIdentity=identity)


def _write_function_variables(instance: Instance, endpoint: str, stack: dict) -> None:
    functions = client(instance, endpoint, "lambda")
    variables = {}
    for name, deployed in stack["functions"].items():
        settings = functions.get_function_configuration(FunctionName=deployed)
        variables[name] = settings.get("Environment", {}).get("Variables", {})
    instance.write_json(instance.variables_file, variables)
