"""Counts the AWS calls and DynamoDB write units of each function, for `make bench`: wraps the emulator's ASGI
application.

The application name that its SDK sends identifies a function (the template sets AWS_SDK_UA_APP_ID). Each DynamoDB call
is changed to ask for its consumed capacity, which the emulator computes as AWS does: transactions count twice, indexes
separately.
"""

from __future__ import annotations

import json
import re
from collections import Counter

PATH = "/_portal/meter"
APPLICATION = re.compile(rb"\bapp/([\w-]+)")
WRITES = ("Put", "Update", "Delete", "BatchWrite", "TransactWrite")


class Meter:
    """The wrapped application. `GET /_portal/meter` answers the counts since the last `DELETE`."""

    def __init__(self, application) -> None:
        self._application = application
        self._calls: Counter[tuple[str, str]] = Counter()
        self._write_units: Counter[str] = Counter()

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
        elif scope["path"] == PATH:
            await self._answer(scope["method"], send)
        else:
            headers = dict(scope["headers"])
            caller = APPLICATION.search(headers.get(b"x-amz-user-agent", b"") + b" " + headers.get(b"user-agent", b""))
            if caller:
                await self._counted(caller[1].decode(), _operation(scope, headers), scope, receive, send)
            else:
                await self._application(scope, receive, send)

    async def _counted(self, caller: str, operation: str, scope, receive, send) -> None:
        self._calls[caller, operation] += 1
        if not operation.startswith("DynamoDB."):
            await self._application(scope, receive, send)
            return
        request = await _body(receive)
        asked = json.dumps({**json.loads(request), "ReturnConsumedCapacity": "TOTAL"}).encode()
        headers = [(name, str(len(asked)).encode() if name == b"content-length" else value) for name, value in scope["headers"]]
        answer = bytearray()

        async def send_on(message) -> None:
            if message["type"] == "http.response.body":
                answer.extend(message.get("body", b""))
            await send(message)

        await self._application({**scope, "headers": headers}, _replayed(asked, receive), send_on)
        if operation.removeprefix("DynamoDB.").startswith(WRITES):
            self._write_units[caller] += _capacity(answer)

    async def _answer(self, method: str, send) -> None:
        if method == "DELETE":
            self._calls.clear()
            self._write_units.clear()
        calls: dict[str, dict[str, int]] = {}
        for (caller, operation), count in sorted(self._calls.items()):
            calls.setdefault(caller, {})[operation] = count
        body = json.dumps({"calls": calls, "writeUnits": self._write_units}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})


def _operation(scope, headers: dict[bytes, bytes]) -> str:
    """Service and operation: JSON services name them in a header, others by method and path."""
    target = headers.get(b"x-amz-target", b"").decode()
    if not target:
        return f"{scope['method']} {scope['path']}"
    service, _, operation = target.partition(".")
    return f"{service.split('_')[0].removeprefix('Amazon')}.{operation}"


async def _body(receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _replayed(body: bytes, receive):
    """A `receive` that gives the whole body, and then what the connection gives (its end)."""
    given = False

    async def replay():
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _capacity(answer: bytes) -> float:
    consumed = json.loads(answer or b"{}").get("ConsumedCapacity") or []
    return sum(entry["CapacityUnits"] for entry in (consumed if isinstance(consumed, list) else [consumed]))
