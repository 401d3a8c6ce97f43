"""Rules that the templates keep: what a first deployment may leave behind, what parameters take, what costs by the
month.
"""

import re
import unittest
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]

# Dollars a month in us-east-1; docs/deploying.md has where they come from.
ALARM_METRIC, CUSTOM_METRIC, ACL, RULE = 0.10, 0.30, 5.00, 1.00
POLLING, SWEEP, ROLLUP = 1.12, 0.43, 0.33
MOST_WITHOUT_WAF, MOST_WITH_WAF = 6.00, 15.00


class Loader(yaml.SafeLoader):
    """Loads the arguments of CloudFormation's functions as plain values."""


def _function(loader, _, node):
    construct = {
        yaml.ScalarNode: loader.construct_scalar,
        yaml.SequenceNode: loader.construct_sequence,
        yaml.MappingNode: loader.construct_mapping,
    }
    return construct[type(node)](node)


Loader.add_multi_constructor("!", _function)


def template(name: str) -> dict:
    return yaml.load((ROOT / name).read_text("utf-8"), Loader)


def of_type(read: dict, kind: str) -> dict[str, dict]:
    return {name: resource for name, resource in read["Resources"].items() if resource["Type"] == kind}


def metrics(alarm: dict) -> list[dict]:
    """The metrics that an alarm reads; AWS charges for each."""
    properties = alarm["Properties"]
    return [one["MetricStat"]["Metric"] for one in properties.get("Metrics", []) if "MetricStat" in one] or [properties]


class FirstDeployment(unittest.TestCase):
    def test_what_a_failed_one_made_can_be_taken_back_and_outlives_the_stack_later(self):
        main, operators = template("template.yaml"), template("infra/operators.yaml")
        self.assertEqual(main["Parameters"]["DeletionProtection"]["Default"], "OFF")
        kept = [*of_type(main, "AWS::DynamoDB::Table").values(), *of_type(operators, "AWS::Cognito::UserPool").values()]
        self.assertEqual(len(kept), 5)
        for resource in kept:
            self.assertEqual((resource["DeletionPolicy"], resource["UpdateReplacePolicy"]), ("RetainExceptOnCreate", "Retain"))
            properties = resource["Properties"]
            protected = properties.get("DeletionProtectionEnabled") or properties["DeletionProtection"]
            self.assertEqual(protected[0], "IsProtected")
        for read in (main, operators):
            self.assertEqual(read["Conditions"]["IsProtected"], ["DeletionProtection", "ON"])

    def test_the_public_address_is_what_cognito_and_a_variable_of_a_stage_take(self):
        pattern = re.compile(template("template.yaml")["Parameters"]["PublicUrl"]["AllowedPattern"])
        for taken in ("", "https://invites.example.com", "https://a.example:8443/invites/v2", "https://x-1.example/~a_b.c"):
            self.assertRegex(taken, pattern)
        for refused in (
            "http://invites.example.com",
            "https://invites.example.com/",
            "https://a.example/%7Ea",
            "https://",
            "https://a.example/x?y=z",
            "https://a.example/#x",
            "https://a.example//x",
            "https://ann@a.example",
            "https://bücher.example",
            "https://a.example/a b",
            "https://a.example.",
            "invites.example.com",
            "https://[::1]",
        ):
            self.assertNotRegex(refused, pattern)


class Alarms(unittest.TestCase):
    def test_a_long_campaign_raises_none_of_the_delivery_queue(self):
        alarms = of_type(template("infra/alarms.yaml"), "AWS::CloudWatch::Alarm")
        of_deliveries = {
            metric["MetricName"]
            for alarm in alarms.values()
            for metric in metrics(alarm)
            if {"Name": "QueueName", "Value": "DeliverQueue"} in metric.get("Dimensions", [])
        }
        self.assertEqual(of_deliveries, {"ApproximateNumberOfMessagesVisible", "NumberOfMessagesDeleted"})

    def test_every_alarm_has_at_most_ten_metrics(self):
        for name, alarm in of_type(template("infra/alarms.yaml"), "AWS::CloudWatch::Alarm").items():
            self.assertLessEqual(len(metrics(alarm)), 10, name)


class StandingCost(unittest.TestCase):
    def test_nothing_has_metrics_that_nobody_reads(self):
        main = template("template.yaml")
        settings = main["Resources"]["Api"]["Properties"]["MethodSettings"]
        self.assertFalse([one for one in settings if one.get("MetricsEnabled")])
        for configuration_set in of_type(main, "AWS::SES::ConfigurationSet").values():
            self.assertNotIn("ReputationOptions", configuration_set.get("Properties", {}))

    def test_the_sum_is_what_the_docs_say_and_below_what_was_agreed(self):
        read, waf = template("infra/alarms.yaml"), template("infra/waf.yaml")
        alarms = of_type(read, "AWS::CloudWatch::Alarm").values()
        usual = sum(len(metrics(alarm)) for alarm in alarms if "Condition" not in alarm)
        with_waf = sum(len(metrics(alarm)) for alarm in alarms if alarm.get("Condition") == "HasWaf")
        custom = len(of_type(read, "AWS::Logs::MetricFilter"))
        rules = sum(len(acl["Properties"]["Rules"]) for acl in of_type(waf, "AWS::WAFv2::WebACL").values())
        without = usual * ALARM_METRIC + custom * CUSTOM_METRIC + POLLING + SWEEP + ROLLUP
        total = without + ACL + rules * RULE + with_waf * ALARM_METRIC
        self.assertLess(without, MOST_WITHOUT_WAF)
        self.assertLess(total, MOST_WITH_WAF)
        docs = (ROOT / "docs/deploying.md").read_text("utf-8")
        for said in (f"| {usual} at $0.10 |", f"**{without:.2f}**", f"**{total:.2f}**"):
            self.assertIn(said, docs)


if __name__ == "__main__":
    unittest.main()
