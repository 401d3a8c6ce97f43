"""The view Invite: choose, Load, read the lists, send, and follow the campaign."""

from __future__ import annotations

import csv
import re
import unittest

from page import PageTest, expect

DAYTON = {"total": "1,068", "activeServices": "1,356", "accepted": "1,061", "pending": "5", "notSent": "2"}


class Invite(PageTest):
    def load(self, division: str = "DAYTON") -> None:
        self.open(f"?division={division}")
        self.page.locator("#load").click()
        expect(self.page.locator("#willEmail")).to_be_visible()

    def test_load_shows_the_five_counts_and_each_opens_its_list(self):
        self.load()
        for name, number in DAYTON.items():
            expect(self.page.locator(f"#count-{name}")).to_have_text(number)
        expect(self.page.locator("#willEmail")).to_have_text("7")
        self.check_looks("counts")
        self.picture("invite")
        for name in DAYTON:
            self.page.locator(f"#count-{name}").click()
            rows = self.page.locator("#panel tbody tr")
            expect(rows.first).to_be_visible()
            if name in ("pending", "notSent"):
                expect(rows).to_have_count(int(DAYTON[name]))
                expect(self.page.locator("#panel .extent")).to_contain_text("that is all")
        self.check_looks("list")

    def test_the_list_of_active_services_tells_the_number_per_account(self):
        self.load()
        self.page.locator("#count-activeServices").click()
        first = self.page.locator("#panel tbody tr").first
        expect(first).to_contain_text(re.compile(r"DAY-\d{5}.*: \d+"))

    def test_the_next_pages_of_a_list_come_as_one_scrolls(self):
        self.load()
        self.page.locator("#count-total").click()
        rows = self.page.locator("#panel tbody tr")
        expect(rows.first).to_be_visible()
        before = rows.count()
        self.assertLess(before, 1068)

        def more() -> bool:
            self.page.mouse.wheel(0, 100_000)
            return rows.count() > before

        self.wait_until(more, "no more rows came")

    def test_a_whole_list_is_downloaded_as_csv(self):
        self.load()
        self.page.locator("#count-accepted").click()
        with self.page.expect_download() as download:
            self.page.get_by_role("button", name=re.compile("CSV")).click()
        with open(download.value.path(), newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), 1061)
        self.assertEqual(list(rows[0])[:2], ["E-mail address", "Name"])
        self.assertEqual(len({row["E-mail address"] for row in rows}), 1061)
        self.assertEqual({row["Status"] for row in rows}, {"Accepted"})
        with open(download.value.path(), "rb") as file:
            self.assertTrue(file.read(4).startswith(b"\xef\xbb\xbfE"), "Excel knows it by its byte-order mark, which stands there once")

    def test_a_list_is_sorted_and_the_way_back_from_a_person_leads_to_the_place_in_it(self):
        self.open("?division=TORONTO&withBalanceDue=true#/lists/total")
        rows = self.page.locator("#panel tbody tr")
        expect(rows.first).to_be_visible()
        by_address = self.page.locator("#panel th").filter(has_text="E-mail address")
        for order in ("ascending", "descending"):
            by_address.get_by_role("button").click()
            expect(by_address).to_have_attribute("aria-sort", order)
        self.check_looks("sorted list")
        addresses = rows.locator("td.email").all_inner_texts()
        self.assertEqual(addresses, sorted(addresses, reverse=True))
        self.assertGreater(len(addresses), 100, "all pages of it")
        link = rows.nth(90).get_by_role("link")
        link.scroll_into_view_if_needed()
        before, name = self.page.evaluate("scrollY"), link.inner_text()
        self.assertGreater(before, 0)
        for leads_back in (self.page.go_back, self.page.locator("#back").click):
            link.click()
            expect(self.page.get_by_role("heading", level=1)).to_have_text(name)
            self.wait_until(lambda: self.page.evaluate("scrollY") == 0, "the person is shown from its beginning")
            leads_back()
            expect(rows).to_have_count(len(addresses))
            self.wait_until(lambda: abs(self.page.evaluate("scrollY") - before) < 5, "the list is where it was")
            expect(by_address).to_have_attribute("aria-sort", "descending")
            expect(link).to_be_focused()
        # A list that is too long says so, and keeps its order.
        self.page.goto(f"{self.stack.url}?division=OMAHA#/lists/total")
        expect(rows.first).to_be_visible()
        by_address.get_by_role("button").click()
        expect(self.page.locator("#panel .note")).to_contain_text("more than 1,000 rows")
        expect(by_address).to_have_attribute("aria-sort", "none")
        self.page.go_back()
        expect(by_address).to_have_attribute("aria-sort", "descending")
        # A reload signs in again without asking, and restores the place in the list.
        self.page.reload()
        expect(rows).to_have_count(len(addresses))
        self.wait_until(lambda: abs(self.page.evaluate("scrollY") - before) < 5, "the list is where it was")

    def test_a_changed_filter_makes_the_counts_stale_and_send_waits_for_load(self):
        self.load()
        send = self.page.locator("#send")
        expect(send).to_be_enabled()
        self.page.locator("#withActiveServices").check()
        expect(send).to_be_disabled()
        expect(self.page.locator("#stale")).to_be_visible()
        self.check_looks("stale counts")
        self.page.locator("#load").click()
        expect(self.page.locator("#willEmail")).to_be_visible()
        expect(send).to_be_enabled()

    def test_the_address_carries_the_filter_and_the_way_back_leads_back(self):
        self.open("?division=BOULDER&withBalanceDue=true")
        expect(self.page.locator("#division")).to_have_value("BOULDER")
        expect(self.page.locator("#withBalanceDue")).to_be_checked()
        self.page.locator("#billGroup").select_option("QUARTERLY")
        expect(self.page).to_have_url(re.compile(r"billGroup=QUARTERLY"))
        self.page.go_back()
        expect(self.page.locator("#billGroup")).to_have_value("")
        expect(self.page.locator("#withBalanceDue")).to_be_checked()

    def test_the_other_drop_downs_offer_what_the_division_has(self):
        self.open()
        self.page.locator("#division").select_option("BOULDER")
        offered = self.page.locator("#siteSource option").all_inner_texts()
        self.assertIn("CURBSIDE", offered)
        expect(self.page.locator("#emailFrom")).to_have_value("success+boulder@simulator.amazonses.com")

    def test_a_person_is_found_and_it_is_told_why_they_would_be_mailed(self):
        self.open("?division=DAYTON")
        self.page.locator("#person-search").fill("o'neil")
        self.page.locator("#person-search").press("Enter")
        row = self.page.locator("#panel tbody tr").filter(has_text='Zoë "Z" <O\'Neil> & Söhne')
        row.get_by_role("link").first.click()
        expect(self.page.locator("#decision")).to_contain_text("Would be e-mailed now")
        expect(self.page.locator("#invite-person")).to_be_enabled()
        self.check_looks("person")

    def test_the_first_view_is_small_and_comes_from_here_alone(self):
        self.open("?division=DAYTON")
        expect(self.page.locator("#load")).to_be_visible()
        self.page.wait_for_load_state("networkidle")
        sizes = self.page.evaluate("""Object.fromEntries(['navigation', 'resource'].flatMap(type => performance.getEntriesByType(type))
            .map(entry => [entry.name, entry.encodedBodySize]))""")
        self.assertEqual({address for address in sizes if not address.startswith(self.stack.known["awsEndpoint"])}, set())
        own = {address: size for address, size in sizes.items() if address.startswith(self.stack.url) and "/v1/" not in address}
        self.assertEqual(len(own), 3, own)
        self.assertLess(sum(own.values()), 100_000, own)

    def test_by_keyboard_alone(self):
        self.open("?division=DAYTON")
        expect(self.page.locator("#load")).to_be_visible()
        self.page.locator("#division").focus()
        for _ in range(30):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("document.activeElement.id") == "load":
                break
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#count-total")).to_have_text("1,068")
        self.page.locator("#count-notSent").focus()
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#panel tbody tr")).to_have_count(2)
        focused = self.page.evaluate("document.activeElement.textContent")
        self.assertEqual(focused, "Portal Invite Not Sent")


if __name__ == "__main__":
    unittest.main()
