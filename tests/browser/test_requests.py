"""The number of requests that the pages make: each is a paid call of the gateway and of a function."""

from __future__ import annotations

import re
import unittest

from page import PageTest, expect


class Requests(PageTest):
    def setUp(self) -> None:
        super().setUp()
        self.requests: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))

    def made(self) -> list[str]:
        """The requests to this stack since the last call, including cached ones, without hashes and queries."""
        self.page.wait_for_load_state("networkidle")
        urls = [url for url in self.requests if url.startswith(self.stack.url)]
        self.requests.clear()
        return sorted(re.sub(r"[?#].*|(?<=assets/)\w+", "", url.removeprefix(self.stack.url)) for url in urls)

    def test_signing_in_takes_three_requests_before_and_four_after_with_the_data(self):
        self.page.goto(self.stack.url + "?division=DAYTON")
        expect(self.page.locator("input[name=password]")).to_be_visible()
        self.assertEqual(self.made(), ["", "assets//app.js", "assets//style.css"])
        self.sign_in()
        expect(self.page.locator("#load")).to_be_enabled()
        self.assertEqual(self.made(), ["", "assets//app.js", "assets//style.css", "v1/filters"])

    def test_all_other_views_share_one_more_script(self):
        self.open("?division=DAYTON")
        expect(self.page.locator("#load")).to_be_enabled()
        self.made()
        views = self.page.locator("header nav")
        views.get_by_role("link", name="Templates").click()
        expect(self.page.locator("#templates tbody tr")).not_to_have_count(0)
        self.assertEqual(self.made(), ["assets//views.js", "v1/templates"])
        views.get_by_role("link", name="Schedules").click()
        expect(self.page.locator("h1")).to_have_text("Schedules")
        self.assertEqual(self.made(), ["v1/schedules"])

    def test_the_page_of_an_invitation_takes_three_requests_with_the_division(self):
        self.page.goto(self.stack.url + "activate#division=DAYTON&email=ann%40example.com&temporaryPassword=none")
        expect(self.page.locator("#newPassword")).to_be_visible()
        self.assertEqual(self.made(), ["activate", "assets//activate.js", "v1/activations/brand"])


if __name__ == "__main__":
    unittest.main()
