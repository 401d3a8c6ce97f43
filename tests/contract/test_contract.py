"""Every operation of the API's description, called with what the description allows and with what it doesn't, with and
without a token (schemathesis). The answers must be as described: no other status, media type or shape, and no 5xx.

The same calls are made each time: nothing is drawn from chance, and no examples are kept.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import unittest

import hypothesis
import schemathesis
from gateway import SIGNED_IN, Gateway
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MODES = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
CALLS = 40
SETTINGS = hypothesis.settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=CALLS,
    print_blob=False,
    phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    suppress_health_check=list(hypothesis.HealthCheck),
)
# Of these there are always some, and a random name would find none.
KNOWN = ("campaignId", "recipientId", "scheduleId", "templateId")


class Contract(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        command = os.environ.get("PORTAL_GATEWAY", "cargo run --quiet --locked --package tests --bin gateway")
        cls.gateway = Gateway(shlex.split(command))
        cls.addClassCleanup(cls.gateway.close)
        cls.schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", cls.gateway)

    def test_every_operation_answers_as_described(self) -> None:
        for found in self.schema.get_all_operations():
            operation = found.ok()
            for mode in MODES:
                with self.subTest(operation=operation.label, mode=mode.value):
                    self._call(operation, mode)

    def _call(self, operation, mode: schemathesis.GenerationMode) -> None:
        @SETTINGS
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode), signed_in=hypothesis.strategies.booleans())
        def answers_as_described(case, signed_in: bool) -> None:
            for name in KNOWN:
                if mode is schemathesis.GenerationMode.POSITIVE and name in case.path_parameters:
                    case.path_parameters[name] = self.gateway.ids[name]
            token = {"Authorization": SIGNED_IN} if signed_in else {}
            response = case.call(headers=token)
            case.validate_response(response, checks=CHECKS, headers=token)

        # There may be nothing that a call could get wrong.
        with contextlib.suppress(hypothesis.errors.Unsatisfiable):
            answers_as_described()


if __name__ == "__main__":
    unittest.main()
