"""The parts of the local cloud: processes are identified reliably, and the patches fit the pinned ministack."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import unittest
from datetime import datetime
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import launcher
import processes
from meter import PATH, Meter
from patches import gateway_responses, invocation_latency, policy_rules, raw_paths, renewed_groups, scheduling


class Processes(unittest.TestCase):
    def start(self, **variables):
        process = subprocess.Popen(["sleep", "60"], env={**os.environ, **variables})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        # The environment of a new process can be read only after a moment.
        while not Path(f"/proc/{process.pid}/environ").read_bytes():
            time.sleep(0.01)
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
    def test_every_patch_fits_the_pinned_ministack(self):
        from ministack import app
        from ministack.services import cognito

        invocation_latency.install()
        with (
            mock.patch.object(cognito, "_fake_token", cognito._fake_token),
            mock.patch.object(app, "_handle_execute_api_request", app._handle_execute_api_request),
        ):
            renewed_groups.install()
            raw_paths.install()

    def test_every_patch_is_installed_and_names_what_it_mends_and_its_upstream_place(self):
        installed = {getattr(install, "func", install).__module__ for install in launcher.changes(enforced=True).values()}
        modules = [f"patches.{file.stem}" for file in Path(launcher.__file__).with_name("patches").glob("[!_]*.py")]
        self.assertEqual(installed, set(modules))
        for module in modules:
            self.assertRegex(sys.modules[module].__doc__, r"(?s)\nMends.*\nUpstream: ministack/", module)


class GatewayResponses(unittest.TestCase):
    def test_a_refusal_of_the_gateway_is_what_the_template_says(self):
        from ministack.services import apigateway_v1 as gateway

        problem = {
            "statusCode": 404,
            "responseParameters": {"gatewayresponse.header.Content-Type": "'application/problem+json'"},
            "responseTemplates": {"application/json": '{"status":404}'},
        }
        document = {"info": {"title": "a"}, "paths": {}, gateway_responses.RESPONSES: {"MISSING_AUTHENTICATION_TOKEN": problem}}
        with mock.patch.object(gateway, "_import_rest_api", gateway._import_rest_api):
            gateway_responses.install()
            api = gateway._import_rest_api(document)
        gateway._create_deployment(api, {"stageName": "live"})
        status, headers, body = asyncio.run(gateway.handle_execute(api, "live", "GET", "/nothing", {}, b"", {}))
        self.assertEqual((status, headers["Content-Type"], body), (404, "application/problem+json", b'{"status":404}'))


@contextlib.contextmanager
def installed_scheduling(refused_to_role=None):
    """Installs this project's scheduler in ministack, without schedules, until the end of the block. Gives the
    scheduler and the calls that it made.
    """
    from ministack.services import eventbridge, lambda_svc, scheduler
    from ministack.services.cloudformation import provisioners

    handlers, called = provisioners._RESOURCE_HANDLERS, []
    names = ("_create_schedule", "_update_schedule", "_tick_schedules", "_SCHEDULE_TICK_INTERVAL")
    with (
        mock.patch.multiple(scheduler, **{name: getattr(scheduler, name) for name in names}),
        mock.patch.object(eventbridge, "_dispatch_to_lambda", eventbridge._dispatch_to_lambda),
        mock.patch.dict(handlers, {"AWS::Scheduler::Schedule": dict(handlers["AWS::Scheduler::Schedule"])}),
        mock.patch.object(lambda_svc, "_get_func_record_for_ref", lambda arn: ({"config": {}}, {"FunctionName": "f"}, "f")),
        mock.patch.object(lambda_svc, "invoke_async_with_retry", lambda _, event: called.append(event)),
    ):
        scheduling.install(refused_to_role)
        scheduler.reset()
        yield scheduler, called
        scheduler.reset()


class Scheduling(unittest.TestCase):
    FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
    ROLE = "arn:aws:iam::000000000000:role/r"
    NAMES = ("scheduled-time", "attempt-number", "schedule-arn")

    def schedule(self, expression, zone="UTC", **more):
        names = json.dumps({name: f"<aws.scheduler.{name}>" for name in self.NAMES})
        target = {"Arn": self.FUNCTION, "RoleArn": self.ROLE, "Input": names}
        return {
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": zone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target,
            **more,
        }

    def runs(self, schedule, begun, many):
        """The first `many` runs from this time on, as text."""
        begun, last, found = datetime.fromisoformat(begun).timestamp(), None, []
        while len(found) < many and (last := scheduling.next_run(schedule, last, begun)) is not None:
            found.append(scheduling._instant(last))
        return found

    def test_local_times_follow_the_clocks_of_the_zone(self):
        mondays = self.schedule("cron(0 9 ? * MON *)", "America/New_York")
        self.assertEqual(self.runs(mondays, "2026-10-26T00:00:00Z", 2), ["2026-10-26T13:00:00Z", "2026-11-02T14:00:00Z"])
        once = self.schedule("at(2026-12-01T09:00:00)", "Europe/Berlin")
        self.assertEqual(self.runs(once, "2026-11-01T00:00:00Z", 2), ["2026-12-01T08:00:00Z"])

    def test_a_time_that_is_left_out_is_skipped_and_one_that_comes_twice_runs_once(self):
        daily = self.schedule("cron(30 2 * * ? *)", "Europe/Berlin")
        self.assertEqual(self.runs(daily, "2026-03-28T12:00:00Z", 2), ["2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"])
        self.assertEqual(self.runs(daily, "2026-10-24T12:00:00Z", 2), ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"])

    def test_a_rate_counts_hours_from_its_start(self):
        day = self.schedule("rate(1 day)", "Europe/Berlin", StartDate="2026-10-24T07:00:00Z", EndDate="2026-10-26T07:00:00Z")
        self.assertEqual(self.runs(day, "2026-10-20T00:00:00Z", 3), ["2026-10-24T07:00:00Z", "2026-10-25T07:00:00Z"])
        self.assertEqual(self.runs(self.schedule("rate(7 days)"), "2026-10-20T00:00:00Z", 1), ["2026-10-20T00:00:00Z"])

    def test_what_aws_refuses_is_refused(self):
        now = time.time()
        for faulty in (
            self.schedule("cron(0 9 * * MON *)"),
            self.schedule("at(tomorrow)"),
            self.schedule("rate(1 week)"),
            self.schedule("rate(1 day)", "Mars/Olympus"),
            self.schedule("rate(1 day)", StartDate=now - 301),
        ):
            with installed_scheduling() as (scheduler, _):
                self.assertEqual(scheduler._create_schedule("s", faulty)[0], 400, faulty)
                self.assertEqual(scheduler._create_schedule("s", self.schedule("rate(1 day)", StartDate=now - 200))[0], 200)
                self.assertEqual(scheduler._update_schedule("s", faulty)[0], 400, faulty)

    def test_a_run_calls_the_function_once_with_names_replaced(self):
        with installed_scheduling() as (scheduler, called):
            scheduler._create_schedule("s", self.schedule("at(2026-12-01T09:00:00)"))
            with mock.patch.object(time, "time", lambda: datetime.fromisoformat("2026-12-01T09:00:05Z").timestamp()):
                scheduler._tick_schedules()
                scheduler._tick_schedules()
                arn = "arn:aws:scheduler:us-east-1:000000000000:schedule/default/s"
                self.assertEqual(called, [dict(zip(self.NAMES, ("2026-12-01T09:00:00Z", "1", arn), strict=True))])
                # A changed schedule starts again, and a disabled schedule does not run.
                scheduler._update_schedule("s", self.schedule("at(2026-12-01T09:00:01)", ActionAfterCompletion="DELETE"))
                scheduler._create_schedule("t", self.schedule("at(2026-12-01T09:00:01)", State="DISABLED"))
                scheduler._tick_schedules()
                self.assertEqual([event["scheduled-time"] for event in called[1:]], ["2026-12-01T09:00:01Z"])
            self.assertEqual([schedule["Name"] for schedule in scheduler._schedules.values()], ["t"])

    def test_what_its_role_may_not_do_is_a_dead_letter(self):
        from ministack.services import sqs

        queue = {"messages": []}
        refused = mock.Mock(return_value=("AccessDeniedException", "no"))
        with mock.patch.object(sqs, "_queue_by_arn", lambda _: queue), installed_scheduling(refused) as (scheduler, called):
            schedule = self.schedule("rate(1 day)")
            schedule["Target"]["DeadLetterConfig"] = {"Arn": "arn:aws:sqs:us-east-1:000000000000:q"}
            scheduler._create_schedule("s", schedule)
            with self.assertLogs("scheduler", "WARNING"):
                scheduler._tick_schedules()
        group = "arn:aws:scheduler:us-east-1:000000000000:schedule-group/default"
        refused.assert_called_once_with(self.ROLE, "lambda:InvokeFunction", self.FUNCTION, group)
        [message] = queue["messages"]
        self.assertEqual((called, message["message_attributes"]["ERROR_CODE"]["StringValue"]), ([], "AccessDeniedException"))
        self.assertEqual(json.loads(message["body"])["attempt-number"], "1")

    def test_cloudformation_keeps_zone_and_dates(self):
        from ministack.services.cloudformation import provisioners

        properties = {"Name": "s", **self.schedule("cron(0 9 ? * MON *)", "Asia/Tokyo", EndDate="2027-01-01T00:00:00Z")}
        with installed_scheduling() as (scheduler, _):
            handlers = provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"]
            handlers["create"]("S", properties, "stack")
            handlers["update"]("s", properties, {**properties, "ScheduleExpressionTimezone": "Asia/Seoul"}, "stack")
            stored = scheduler._schedules["default/s"]
            self.assertEqual((stored["ScheduleExpressionTimezone"], stored["EndDate"]), ("Asia/Seoul", "2027-01-01T00:00:00Z"))


@contextlib.contextmanager
def installed_rules():
    """ministack's modules with this project's rules, until the end of the block."""
    from ministack.core import iam_actions, iam_evaluator

    names = (
        "extract_iam_action",
        "extract_resource_arn",
        "dynamodb_service_context",
        "dynamodb_resource_arns",
        "dynamodb_transaction_checks",
    )
    with (
        mock.patch.multiple(iam_actions, **{name: getattr(iam_actions, name) for name in names}),
        mock.patch.object(iam_evaluator, "enforce", iam_evaluator.enforce),
    ):
        policy_rules.install()
        yield iam_actions, iam_evaluator


class PolicyRules(unittest.TestCase):
    def test_batches_and_senders_are_authorised_as_on_aws(self):
        with installed_rules() as (iam_actions, _):
            batch = {"x-amz-target": "AmazonSQS.SendMessageBatch"}
            self.assertEqual(iam_actions.extract_iam_action("sqs", "POST", "/", batch, b"", {}), "sqs:SendMessage")
            body = json.dumps({"FromEmailAddress": "Dayton <a@example.com>"}).encode()
            arn = iam_actions.extract_resource_arn("ses", "POST", "/v2/email/outbound-emails", {}, body, {}, "us-east-1", "000000000000")
            self.assertEqual(arn, "arn:aws:ses:us-east-1:000000000000:identity/example.com")

    def test_a_schedule_is_authorised_in_its_group_and_with_its_role(self):
        from ministack.core import iam_evaluator

        asked = []

        def enforce(_, action, *__, resource_arn, service_context):
            asked.append((action, resource_arn, service_context))

        role, scheduler = "arn:aws:iam::0:role/r", "arn:aws:scheduler:us-east-1:0:schedule"
        body = json.dumps({"GroupName": "g", "Target": {"RoleArn": role}}).encode()
        with mock.patch.object(iam_evaluator, "enforce", enforce), installed_rules() as (iam_actions, evaluator):
            put = iam_actions.extract_resource_arn("scheduler", "PUT", "/schedules/s", {}, body, {}, "us-east-1", "0")
            group = {"groupName": ["g"]}
            delete = iam_actions.extract_resource_arn("scheduler", "DELETE", "/schedules/s", {}, b"", group, "us-east-1", "0")
            for action, arn in (("scheduler:UpdateSchedule", put), ("scheduler:DeleteSchedule", delete)):
                evaluator.enforce("key", action, "scheduler", "us-east-1", resource_arn=arn, service_context={})
        self.assertEqual(
            asked,
            [
                ("scheduler:UpdateSchedule", f"{scheduler}/g/s", {}),
                ("iam:PassRole", role, {"iam:PassedToService": "scheduler.amazonaws.com"}),
                ("scheduler:DeleteSchedule", f"{scheduler}/g/s", {}),
            ],
        )

    def test_scheduler_may_do_what_its_role_lets_it_for_its_group(self):
        from ministack.services import iam

        group, function = "arn:aws:scheduler:us-east-1:000000000000:schedule-group/g", "arn:aws:lambda:us-east-1:000000000000:function:f"
        trust = {
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Service": "scheduler.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": "000000000000", "aws:SourceArn": group}},
            }
        }
        policy = {"Statement": {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function}}
        role = {"AssumeRolePolicyDocument": json.dumps(trust), "InlinePolicies": {"p": json.dumps(policy)}}
        with mock.patch.object(iam, "_roles", mock.Mock(get_scoped=lambda *_: role)):

            def refused(resource, group):
                return policy_rules.refused_to_scheduler("arn:aws:iam::000000000000:role/r", "lambda:InvokeFunction", resource, group)

            self.assertIsNone(refused(function, group))
            self.assertIn("assume", refused(function, group + "2")[1])
            self.assertIn("lambda:InvokeFunction", refused(function + "2", group)[1])

    def test_every_call_of_dynamodb_names_its_partition_keys(self):
        def item(key):
            return {"pk": {"S": key}, "sk": {"S": "x"}}

        calls = [
            ({"TableName": "t", "Key": item("A")}, ["A"]),
            ({"TableName": "t", "Item": item("A")}, ["A"]),
            ({"RequestItems": {"t": {"Keys": [item("A"), item("B")]}}}, ["A", "B"]),
            ({"RequestItems": {"t": [{"PutRequest": {"Item": item("A")}}, {"DeleteRequest": {"Key": item("B")}}]}}, ["A", "B"]),
            (
                {
                    "TableName": "t",
                    "KeyConditionExpression": "#p = :p AND sk = :s",
                    "ExpressionAttributeNames": {"#p": "pk"},
                    "ExpressionAttributeValues": {":p": {"S": "A"}, ":s": {"S": "x"}},
                },
                ["A"],
            ),
            (
                {
                    "TableName": "t",
                    "IndexName": "i",
                    "KeyConditionExpression": "indexPartition = :p",
                    "ExpressionAttributeValues": {":p": {"S": "A"}},
                },
                None,
            ),
        ]
        with installed_rules() as (iam_actions, _):
            for call, keys in calls:
                context = iam_actions.dynamodb_service_context(json.dumps(call).encode())
                self.assertEqual(context.get(policy_rules.LEADING_KEYS), keys, call)

    def test_each_action_of_a_transaction_is_authorised_by_its_own_partition_key(self):
        from ministack.core import iam_evaluator

        asked = []

        def enforce(*_, resource_arn, service_context):
            asked.append((resource_arn.rpartition("/")[2], service_context[policy_rules.LEADING_KEYS]))

        body = json.dumps(
            {
                "TransactItems": [
                    {"Put": {"TableName": "t", "Item": {"pk": {"S": "A"}}}},
                    {"Update": {"TableName": "u", "Key": {"pk": {"S": "B"}}}},
                ]
            }
        ).encode()
        with mock.patch.object(iam_evaluator, "enforce", enforce), installed_rules() as (iam_actions, evaluator):
            for action, table in iam_actions.dynamodb_transaction_checks("dynamodb:TransactWriteItems", body, "us-east-1", "0"):
                evaluator.enforce("key", action, "dynamodb", "us-east-1", resource_arn=table, service_context={})
        self.assertEqual(asked, [("t", ["A"]), ("u", ["B"])])

    def test_each_table_of_a_batch_is_authorised_by_what_is_read_of_it(self):
        from ministack.core import iam_evaluator

        asked = []

        def enforce(*_, resource_arn, service_context):
            asked.append((resource_arn.rpartition("/")[2], service_context))

        some = {"Keys": [{"pk": {"S": "A"}}], "ProjectionExpression": "#a, b", "ExpressionAttributeNames": {"#a": "status"}}
        body = json.dumps({"RequestItems": {"t": some, "u": {"Keys": [{"pk": {"S": "B"}}, {"pk": {"S": "C"}}]}}}).encode()
        with mock.patch.object(iam_evaluator, "enforce", enforce), installed_rules() as (iam_actions, evaluator):
            for table in iam_actions.dynamodb_resource_arns(body, "us-east-1", "0"):
                evaluator.enforce("key", "dynamodb:BatchGetItem", "dynamodb", "us-east-1", resource_arn=table, service_context={})
        key, select, attributes = policy_rules.LEADING_KEYS, "dynamodb:Select", "dynamodb:Attributes"
        self.assertEqual(
            asked,
            [
                ("t", {key: ["A"], select: "SPECIFIC_ATTRIBUTES", attributes: ["status", "b"]}),
                ("u", {key: ["B", "C"], select: "ALL_ATTRIBUTES"}),
            ],
        )


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

            headers = [
                (b"x-amz-target", b"DynamoDB_20120810.TransactWriteItems"),
                (b"user-agent", b"aws-sdk-rust app/deliver"),
                (b"content-length", b"2"),
            ]
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
