"""The functions on AWS in memory as a WSGI application: the program `gateway` (tests/src/bin/gateway.rs) answers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from http import HTTPStatus
from urllib.parse import parse_qsl

# What stands for a token: the gateway's check of one is not part of this.
SIGNED_IN = "Bearer of the tests"


class Gateway:
    def __init__(self, command: list[str]) -> None:
        self._program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        # Ids of what is there, by the name of the path's parameter.
        self.ids: dict[str, str] = self._line()

    def close(self) -> None:
        self._program.stdin.close()
        self._program.wait(timeout=30)
        self._program.stdout.close()

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        path, _, query = environ["REQUEST_URI"].partition("?")
        headers = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
        if environ.get("CONTENT_TYPE"):
            headers.append(("Content-Type", environ["CONTENT_TYPE"]))
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        answer = self._answer(
            {
                "method": environ["REQUEST_METHOD"],
                "path": "/" + path.removeprefix("/"),
                "query": parse_qsl(query, keep_blank_values=True),
                "headers": headers,
                # A body that is no text would come in base64, which the functions' own tests try.
                "body": body.decode("utf-8", "replace") if body else None,
                "signedIn": environ.get("HTTP_AUTHORIZATION") == SIGNED_IN,
            }
        )
        start_response(f"{answer['status']} {HTTPStatus(answer['status']).phrase}", [tuple(header) for header in answer["headers"]])
        return [answer["body"].encode()]

    def _answer(self, request: dict) -> dict:
        self._program.stdin.write(json.dumps(request) + "\n")
        self._program.stdin.flush()
        return self._line()

    def _line(self) -> dict:
        line = self._program.stdout.readline()
        if not line:
            raise AssertionError("the program `gateway` has ended; what it wrote last says why")
        return json.loads(line)
