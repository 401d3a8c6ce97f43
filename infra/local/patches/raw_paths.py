"""A REST API passes the path on with its escapes, as API Gateway does.

Mends: ministack passes the decoded path, so `%2F` in a path parameter reaches the function as `/`.

Upstream: ministack/app.py, `_handle_execute_api_request`, which has both forms.
"""

from __future__ import annotations

import functools
import inspect


def install() -> None:
    from ministack import app

    handle = app._handle_execute_api_request
    signature = inspect.signature(handle)
    if not {"path", "raw_path"} <= set(signature.parameters):
        raise LookupError(f"ministack's _handle_execute_api_request, now with {list(signature.parameters)}")

    @functools.wraps(handle)
    async def handle_raw_path(*positional, **named):
        call = signature.bind(*positional, **named)
        call.arguments["path"] = call.arguments.get("raw_path") or call.arguments["path"]
        return await handle(*call.args, **call.kwargs)

    app._handle_execute_api_request = handle_raw_path
