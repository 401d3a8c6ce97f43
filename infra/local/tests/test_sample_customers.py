"""The sample customers have the numbers and the variety that their module promises."""

import json
import sys
import tempfile
import unittest
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import sample_customers
from sample_counts import Counts, count, normalised


class SampleCustomers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.scratch.name)
        cls.counts = sample_customers.write(cls.folder)
        cls.accounts = [json.loads(line) for line in (cls.folder / "accounts.ndjson").read_text("utf-8").splitlines()]

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def test_dayton_has_the_numbers_of_the_screen(self):
        self.assertEqual(count(self.accounts, "DAYTON"), Counts(1068, 1356, 1061, 5, 2, 0))

    def test_the_same_customers_come_out_every_time(self):
        with tempfile.TemporaryDirectory() as again:
            sample_customers.write(Path(again))
            for name in ("divisions.json", "accounts.ndjson"):
                self.assertEqual((Path(again) / name).read_bytes(), (self.folder / name).read_bytes())

    def test_usable_addresses_are_the_mailbox_simulators(self):
        for account in self.accounts:
            for contact in account["contacts"]:
                address = normalised(contact["email"])
                self.assertTrue(address is None or address.endswith("@simulator.amazonses.com"), contact)

    def test_ids_are_unique_where_they_must_be(self):
        self.assertEqual(max(Counter(account["accountId"] for account in self.accounts).values()), 1)
        for account in self.accounts:
            ids = [contact["contactId"] for contact in account["contacts"]]
            self.assertEqual(len(ids), len(set(ids)), account)
            sites = {site["siteId"] for site in account["sites"]}
            self.assertTrue({contact["siteId"] for contact in account["contacts"] if "siteId" in contact} <= sites, account)

    def test_one_manager_is_on_thousands_of_accounts(self):
        managed = [account for account in self.accounts if any(contact["contactId"] == "manager" for contact in account["contacts"])]
        self.assertEqual(len(managed), 3000)

    def test_there_are_shared_addresses_site_contacts_and_contacts_without_address(self):
        contacts = [contact for account in self.accounts for contact in account["contacts"]]
        self.assertTrue(any(contact["email"] != contact["email"].strip().lower() for contact in contacts))
        self.assertTrue(any("siteId" in contact for contact in contacts))
        self.assertTrue(any(contact["email"] == "" for contact in contacts))
        self.assertTrue(any(contact["name"] == 'Zoë "Z" <O\'Neil> & Söhne' for contact in contacts))


class CountsByHand(unittest.TestCase):
    def test_one_address_on_two_accounts_is_one_recipient_with_the_furthest_status(self):
        def account(services, email, portal):
            return {"division": "D", "sites": [{"activeServices": services}], "contacts": [{"email": email, "portal": portal}]}

        accounts = [account(2, " A@Example.com", "notSent"), account(3, "a@example.COM ", "accepted"), account(5, "nobody", "accepted")]
        self.assertEqual(count(accounts, "D"), Counts(1, 5, 1, 0, 0, 1))


if __name__ == "__main__":
    unittest.main()
