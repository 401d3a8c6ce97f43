"""A renewed token contains the user's groups, as Cognito's does.

Mends: the token endpoint omits `cognito:groups`, and so every permission, when it renews a token.

Upstream: ministack/services/cognito.py, the grant `refresh_token`, which calls `_fake_token` without `groups`.
"""

from __future__ import annotations

import functools
import inspect


def install() -> None:
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
