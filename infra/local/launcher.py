"""Runs ministack, made quicker in two places of its Lambda runtime: about 9 ms an invocation instead of 50 to 100.
Tokens that the hosted sign-in renews carry the user's groups, as Cognito's do, and it keeps a session (hosted_session.py).
Paths keep their escapes, as a REST API's do. Schedules run as EventBridge Scheduler's do (scheduling.py).

Where policies are enforced it is also made to authorise some kinds of calls as AWS does (policy_rules.py). All of these are
internals of the pinned version. Where they are not as expected, ministack runs as it is and this says so.
"""

from __future__ import annotations

import functools
import inspect
import os
import runpy
import socketserver

import hosted_session
import policy_rules
import scheduling

# Variable that asks for the counting of calls (meter.py).
METER = "PORTAL_METER"
# Variable by which ministack enforces policies.
ENFORCE = "AUTH"
STOCK = "runs without"

# How long an invocation waits for a first log line. A line that comes later is logged with the next invocation.
FIRST_LINE_WAIT = 0.002


def without_nagle() -> None:
    """The Runtime API answers in two small writes; with Nagle's algorithm the second waits 40 ms for an acknowledgement."""
    if not hasattr(socketserver.StreamRequestHandler, "disable_nagle_algorithm"):
        raise LookupError("socketserver.StreamRequestHandler.disable_nagle_algorithm")
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True


def without_log_wait() -> None:
    """After every invocation ministack waits up to 50 ms for a first log line."""
    from ministack.core.lambda_runtime import Worker

    drain = Worker._drain_stderr_bounded
    parameters = list(inspect.signature(drain).parameters)
    if parameters != ["self", "first_line_wait", "idle_confirm", "hard_cap"] or len(drain.__defaults__ or ()) != 3:
        raise LookupError(f"ministack's Worker._drain_stderr_bounded, now with {parameters}")
    drain.__defaults__ = (FIRST_LINE_WAIT, *drain.__defaults__[1:])


def with_groups_in_renewed_tokens() -> None:
    """The token endpoint leaves out `cognito:groups` when it renews, and with them every permission."""
    from ministack.services import cognito

    fake_token = cognito._fake_token
    signature = inspect.signature(fake_token)
    if not {"pool_id", "username", "groups"} <= set(signature.parameters):
        raise LookupError(f"ministack's cognito._fake_token, now with {list(signature.parameters)}")

    @functools.wraps(fake_token)
    def with_groups(*positional, **named):
        call = signature.bind(*positional, **named)
        if call.arguments.get("groups") is None and (username := call.arguments.get("username")):
            pool = cognito._get_pool_unscoped(call.arguments["pool_id"])
            call.arguments["groups"] = pool["_users"].get(username, {}).get("_groups")
        return fake_token(*call.args, **call.kwargs)

    cognito._fake_token = with_groups


def with_paths_as_sent() -> None:
    """A REST API hands a path on with its escapes; ministack hands on what they stand for."""
    from ministack import app

    handle = app._handle_execute_api_request
    signature = inspect.signature(handle)
    if not {"path", "raw_path"} <= set(signature.parameters):
        raise LookupError(f"ministack's _handle_execute_api_request, now with {list(signature.parameters)}")

    @functools.wraps(handle)
    async def handle_as_sent(*positional, **named):
        call = signature.bind(*positional, **named)
        call.arguments["path"] = call.arguments.get("raw_path") or call.arguments["path"]
        return await handle(*call.args, **call.kwargs)

    app._handle_execute_api_request = handle_as_sent


def main() -> None:
    changes = {"quick answers of its Runtime API": without_nagle, "a short wait for logs": without_log_wait,
               "groups in renewed tokens": with_groups_in_renewed_tokens, "paths with their escapes": with_paths_as_sent,
               "sessions of the hosted sign-in": hosted_session.install}
    if os.environ.get(ENFORCE):
        changes["AWS's rules for batch calls, senders, partition keys and schedules"] = policy_rules.install
    enforced = policy_rules.refused_to_scheduler if os.environ.get(ENFORCE) else None
    changes["time zones and retries of schedules"] = functools.partial(scheduling.install, enforced)
    for change, make in changes.items():
        try:
            make()
        except (ImportError, AttributeError, LookupError) as missing:
            print(f"ministack {STOCK} {change}: not found: {missing}", flush=True)
    if os.environ.get(METER):
        import ministack.app
        from meter import Meter

        ministack.app.app = Meter(ministack.app.app)
    runpy.run_module("ministack", run_name="__main__")


if __name__ == "__main__":
    main()
