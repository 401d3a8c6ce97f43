"""A small client of the API: JSON in and out, with renewal of the token and retries of transient failures."""

from __future__ import annotations

import base64
import email.utils
import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from steps import Failure

TRIES = 8
LONGEST_PAUSE = 20.0
# API Gateway gives up after 29 seconds.
ANSWER_WITHIN = 35.0
PASSES_BY_ITSELF = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Answer:
    """An answer of the API, of any status."""

    status: int
    body: dict

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def problem(self) -> str:
        """The problem in one line, with all its faults."""
        text = self.body.get("detail") or self.body.get("title") or self.body.get("message") or json.dumps(self.body)
        faults = [f"{fault.get('field')}: {fault.get('message')}" for fault in self.body.get("errors") or []]
        return f"{self.status} {'; '.join([text, *faults])}"


class Api:
    """Calls one API as one operator, or below `/v1/machine` as a machine client. Safe to use from several threads."""

    def __init__(self, url: str, sign_in: Callable[[], str], *, base: str = "/v1") -> None:
        self._url = url.rstrip("/")
        self.base = base
        self._sign_in = sign_in
        self._lock = threading.Lock()
        self._token = sign_in()

    def get(self, path: str) -> Answer:
        return self.call("GET", path)

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Calls the API, and retries after a throttle, a server error or a broken connection.

        Retries are safe: imports are idempotent, and sends carry an Idempotency-Key.
        """
        renewed = False
        last = "no answer"
        for attempt in range(TRIES):
            token = self._token
            try:
                answer, retry_after = self._once(method, path, body, content_type, token, headers or {})
            except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
                last, retry_after = str(error), None
            else:
                if answer.status == 401 and not renewed:
                    renewed = True
                    self._renew(token)
                    continue
                if answer.status not in PASSES_BY_ITSELF:
                    return answer
                last = answer.problem()
            if attempt < TRIES - 1:
                time.sleep(_pause(attempt, retry_after))
        raise Failure(
            f"{method} {path} failed {TRIES} times, last with: {last}",
            f"see whether {self._url} is up and what its functions logged (locally: `make logs`); then run the command again.",
        )

    def _once(
        self, method: str, path: str, body: bytes | None, content_type: str, token: str, headers: dict[str, str]
    ) -> tuple[Answer, float | None]:
        request = urllib.request.Request(
            self._url + path,
            data=body,
            method=method,
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/json",
                **({"Content-Type": content_type} if body is not None else {}),
                **headers,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_WITHIN) as response:
                return Answer(response.status, _json(response.read())), None
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Answer(refusal.code, _json(refusal.read())), _seconds(refusal.headers.get("Retry-After"))

    def _renew(self, old: str) -> None:
        with self._lock:
            if self._token == old:
                self._token = self._sign_in()


def _json(text: bytes) -> dict:
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        value = {"detail": text[:300].decode(errors="replace")}
    return value if isinstance(value, dict) else {"items": value}


def _seconds(retry_after: str | None) -> float | None:
    """The wait that the header Retry-After asks for; it holds seconds or a date."""
    if not retry_after:
        return None
    if retry_after.isdigit():
        return float(retry_after)
    date = email.utils.parsedate_to_datetime(retry_after)
    return max(0.0, date.timestamp() - time.time())


def _pause(attempt: int, retry_after: float | None) -> float:
    # Random, so that calls refused together do not come back together.
    pause = 0.25 * 2**attempt * random.uniform(0.5, 1.5)
    return min(LONGEST_PAUSE, max(pause, retry_after or 0.0))


def operator_of(stack: dict) -> Callable[[], str]:
    """Gets ID tokens for the operator of a local cloud: Cognito's InitiateAuth with the password."""

    def sign_in() -> str:
        request = urllib.request.Request(
            stack["awsEndpoint"],
            method="POST",
            headers={
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
            },
            data=json.dumps(
                {
                    "AuthFlow": "USER_PASSWORD_AUTH",
                    "ClientId": stack["clientId"],
                    "AuthParameters": {"USERNAME": stack["operator"]["username"], "PASSWORD": stack["operator"]["password"]},
                }
            ).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response)["AuthenticationResult"]["IdToken"]
        except (urllib.error.URLError, OSError, KeyError, ValueError) as error:
            raise Failure(f"the operator could not sign in: {error}", "see whether the local cloud is up: `make up`.") from error

    return sign_in


def machine_of(api_url: str, client_id: str, client_secret: str) -> Callable[[], str]:
    """Gets access tokens for a machine client: client credentials (RFC 6749, section 4.4), at the endpoint that the
    API's page names.
    """
    refused = "see whether the API's address, PORTAL_CLIENT_ID and PORTAL_CLIENT_SECRET are right, then run the command again."

    def sign_in() -> str:
        try:
            with urllib.request.urlopen(api_url.rstrip("/") + "/settings.json", timeout=ANSWER_WITHIN) as response:
                endpoint = json.load(response)["signIn"]["tokenUrl"]
            # The secret goes to the address in the answer, so both must be encrypted, except on this machine.
            for address in (api_url, endpoint):
                parts = urllib.parse.urlsplit(address)
                if parts.scheme != "https" and parts.hostname != "127.0.0.1":
                    raise Failure(f"{address} is no https address, so no secret is sent there", refused)
            # RFC 6749, section 2.3.1: id and secret are form-encoded before they are joined.
            encoded = ":".join(urllib.parse.quote_plus(part) for part in (client_id, client_secret))
            credentials = base64.b64encode(encoded.encode()).decode()
            request = urllib.request.Request(
                endpoint,
                method="POST",
                data=b"grant_type=client_credentials",
                headers={"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"},
            )
            with urllib.request.urlopen(request, timeout=ANSWER_WITHIN) as response:
                return json.load(response)["access_token"]
        except (urllib.error.URLError, http.client.HTTPException, OSError, KeyError, TypeError, ValueError) as error:
            raise Failure(f"the machine client got no token: {error}", refused) from error

    return sign_in


def given_token(token: str) -> Callable[[], str]:
    """Uses a given token, which cannot be renewed."""
    used = False

    def sign_in() -> str:
        nonlocal used
        if used:
            raise Failure(
                "the API does not accept the token",
                "get a new ID token (one lasts 15 minutes), put it into PORTAL_TOKEN and run the command again; what takes longer "
                "is for a machine client (PORTAL_CLIENT_ID, PORTAL_CLIENT_SECRET).",
            )
        used = True
        return token

    return sign_in
