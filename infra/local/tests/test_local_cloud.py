"""What the local cloud's own parts promise: processes are told apart, and the pinned ministack is the one that is sped up."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import fault_launcher
import launcher
import policy_rules
import processes
from meter import PATH, Meter


class Processes(unittest.TestCase):
    def start(self, **variables):
        process = subprocess.Popen(["sleep", "60"], env={**os.environ, **variables})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_a_later_process_with_the_same_number_is_another_one(self):
        process = self.start()
        known = processes.identity(process.pid)
        self.assertTrue(processes.runs(known))
        self.assertFalse(processes.runs({**known, "started": known["started"] - 1}))

    def test_stop_ends_the_process_and_what_carries_its_mark_and_nothing_else(self):
        mark = f"test-{os.getpid()}"
        main, left_behind, other = self.start(), self.start(**{processes.MARK: mark}), self.start(**{processes.MARK: mark + "-other"})
        processes.stop(processes.identity(main.pid), mark)
        self.assertEqual((main.wait(5), left_behind.wait(5)), (-signal.SIGTERM, -signal.SIGKILL))
        self.assertIsNone(other.poll())


class Launcher(unittest.TestCase):
    def test_every_change_fits_the_pinned_ministack(self):
        launcher.without_nagle()
        launcher.without_log_wait()
        from ministack.services import cognito

        with mock.patch.object(cognito, "_fake_token", cognito._fake_token):
            launcher.with_groups_in_renewed_tokens()


class FaultLauncher(unittest.TestCase):
    def test_the_pinned_microburst_answers_calls_of_ses_v2_as_ses_v2_does(self):
        from microburst.core import pipeline
        from microburst.protocols import render_error

        with mock.patch.object(pipeline, "detect", pipeline.detect):
            fault_launcher.with_ses_v2()
            headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ses/aws4_request, SignedHeaders=host"}
            call = pipeline.detect(headers, "POST", fault_launcher.SES_V2 + "outbound-emails", {}, b"{}")
        self.assertEqual((call.service, call.operation), ("sesv2", "SendEmail"))
        status, headers, body = render_error(call.service, "TooManyRequestsException", "", None, protocol=call.protocol)
        self.assertEqual((status, headers["x-amzn-ErrorType"]), (429, "TooManyRequestsException"))
        json.loads(body)


class PolicyRules(unittest.TestCase):
    def test_batches_and_senders_are_authorised_as_on_aws(self):
        from ministack.core import iam_actions

        with mock.patch.multiple(iam_actions, extract_iam_action=iam_actions.extract_iam_action,
                                 extract_resource_arn=iam_actions.extract_resource_arn):
            policy_rules.install()
            batch = {"x-amz-target": "AmazonSQS.SendMessageBatch"}
            self.assertEqual(iam_actions.extract_iam_action("sqs", "POST", "/", batch, b"", {}), "sqs:SendMessage")
            body = json.dumps({"FromEmailAddress": "Dayton <a@example.com>"}).encode()
            arn = iam_actions.extract_resource_arn("ses", "POST", "/v2/email/outbound-emails", {}, body, {}, "us-east-1", "000000000000")
            self.assertEqual(arn, "arn:aws:ses:us-east-1:000000000000:identity/example.com")


class Metering(unittest.TestCase):
    def test_calls_and_write_units_are_counted_by_function(self):
        asked = []

        async def dynamodb(scope, receive, send):
            asked.append(json.loads((await receive())["body"]))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b'{"ConsumedCapacity": [{"CapacityUnits": 6.0}]}'})

        async def scenario():
            meter, sent = Meter(dynamodb), []

            async def receive():
                return {"type": "http.request", "body": b"{}", "more_body": False}

            async def send(message):
                sent.append(message)

            headers = [(b"x-amz-target", b"DynamoDB_20120810.TransactWriteItems"), (b"user-agent", b"aws-sdk-rust app/deliver"),
                       (b"content-length", b"2")]
            for _ in range(2):
                await meter({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive, send)
            sent.clear()
            await meter({"type": "http", "method": "GET", "path": PATH, "headers": []}, receive, send)
            return json.loads(sent[-1]["body"])

        counted = asyncio.run(scenario())
        self.assertEqual(counted, {"calls": {"deliver": {"DynamoDB.TransactWriteItems": 2}}, "writeUnits": {"deliver": 12.0}})
        self.assertEqual(asked[0], {"ReturnConsumedCapacity": "TOTAL"})


if __name__ == "__main__":
    unittest.main()
