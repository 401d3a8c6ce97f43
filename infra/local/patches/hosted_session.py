"""The hosted sign-in keeps a session in a cookie for an hour, as Cognito's does.

Mends: ministack asks for the password each time. With a session, a signed-in user is redirected with a code at once,
until they sign out.

Upstream: ministack/services/cognito.py (`_issue_auth_code_redirect`, `handle_oauth2_authorize`, `handle_logout`).
"""

from __future__ import annotations

import functools
import inspect
import secrets
import time

# As long as a session of Cognito lasts.
SESSION_S = 3600
# The parameters of ministack's function that redirects a user with a code.
ISSUED = ["client_id", "pool_id", "redirect_uri", "scope", "username", "nonce", "code_challenge", "code_challenge_method", "state"]
# The signed-in user and the end of the session, by the secret in the cookie.
_sessions: dict[str, tuple[str, str, float]] = {}


def install() -> None:
    from ministack.services import cognito

    issue, authorize, logout = cognito._issue_auth_code_redirect, cognito.handle_oauth2_authorize, cognito.handle_logout
    known = list(inspect.signature(issue).parameters)
    if known != ISSUED:
        raise LookupError(f"ministack's cognito._issue_auth_code_redirect, now with {known}")

    @functools.wraps(issue)
    def issue_and_remember(client_id, pool_id, redirect_uri, scope, username, *more):
        status, headers, body = issue(client_id, pool_id, redirect_uri, scope, username, *more)
        if status != 302:
            return status, headers, body
        secret = secrets.token_urlsafe(32)
        _sessions[secret] = (pool_id, username, time.time() + SESSION_S)
        return status, headers | _set_cookie(pool_id, secret, SESSION_S), body

    @functools.wraps(authorize)
    def authorize_whom_it_knows(method, path, headers, query):
        status, answered, body = authorize(method, path, headers, query)
        asked = {name: cognito._qp(query, name) for name in ISSUED if name not in ("pool_id", "username")}
        pool_id, _, _ = cognito._find_pool_by_client_id(asked["client_id"])
        username = _signed_in(pool_id, headers.get("cookie", "")) if pool_id else None
        # Only the sign-in form is answered without an error.
        if status != 200 or username is None:
            return status, answered, body
        return issue_and_remember(
            asked["client_id"],
            pool_id,
            asked["redirect_uri"],
            asked["scope"],
            username,
            asked["nonce"],
            asked["code_challenge"],
            asked["code_challenge_method"],
            asked["state"],
        )

    @functools.wraps(logout)
    def log_out_and_forget(method, path, headers, query):
        status, answered, body = logout(method, path, headers, query)
        pool_id, _, _ = cognito._find_pool_by_client_id(cognito._qp(query, "client_id"))
        if status != 302 or not pool_id:
            return status, answered, body
        return status, answered | _set_cookie(pool_id, "", 0), body

    cognito._issue_auth_code_redirect = issue_and_remember
    cognito.handle_oauth2_authorize = authorize_whom_it_knows
    cognito.handle_logout = log_out_and_forget


def _cookie(pool_id: str) -> str:
    """The name of the pool's cookie. Cookies ignore ports, and several local clouds share this machine's address."""
    return f"cognito-{pool_id}"


def _set_cookie(pool_id: str, secret: str, seconds: int) -> dict[str, str]:
    return {"Set-Cookie": f"{_cookie(pool_id)}={secret}; Path=/oauth2; Max-Age={seconds}; HttpOnly; SameSite=Lax"}


def _signed_in(pool_id: str, cookies: str) -> str | None:
    for cookie in cookies.split(";"):
        name, _, secret = cookie.strip().partition("=")
        pool, username, until = _sessions.get(secret, ("", "", 0.0))
        if name == _cookie(pool_id) and pool == pool_id and time.time() < until:
            return username
    return None
