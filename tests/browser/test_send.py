"""Send Email, from its dialog to the end of the campaign."""

from __future__ import annotations

import re
import unittest

from campaigns import signed_in
from page import PageTest, expect


class Send(PageTest):
    def load(self, division: str) -> int:
        self.open(f"?division={division}")
        self.page.locator("#load").click()
        count = self.page.locator("#willEmail")
        expect(count).to_be_visible()
        return int(count.inner_text().replace(",", ""))

    def find_somebody(self) -> str:
        """Opens a person who was never invited, in their own division; returns the address."""
        division = signed_in().division(1)
        address = signed_in().address(division, 0)
        self.open(f"?division={division}")
        self.page.locator("#person-search").fill("person 0")
        self.page.locator("#person-search").press("Enter")
        self.page.locator("#panel tbody tr").filter(has_text=address).get_by_role("link").first.click()
        expect(self.page.locator("#person")).to_be_visible()
        return address

    def await_end(self) -> None:
        expect(self.page.locator("#campaign-state")).to_have_text("Completed", timeout=240_000)

    def test_a_large_send_is_confirmed_by_its_number_and_followed_through_a_reload(self):
        people = self.load("BOULDER")
        self.assertGreater(people, 500)
        self.page.locator("#send").click()
        dialog = self.page.locator("#send-dialog")
        expect(dialog.locator("#send-people")).to_have_text(f"{people:,}")
        expect(dialog.locator("#preview-subject")).to_contain_text("Flatirons Disposal")
        self.assert_accessible("send dialog")
        self.picture("send")
        confirm = dialog.locator("#confirm-send")
        expect(confirm).to_be_disabled()
        dialog.locator("#confirm-number").fill(str(people + 1))
        expect(confirm).to_be_disabled()
        dialog.locator("#confirm-number").fill(str(people))
        confirm.click()
        expect(self.page.locator("#campaign-state")).to_be_visible()
        address = self.page.url
        self.assertRegex(address, r"#/campaigns/[0-9A-Z]{26}$")
        self.page.reload()
        self.sign_in()
        expect(self.page).to_have_url(address)
        self.await_end()
        expect(self.page.locator("#outcome-sent")).to_have_text(f"{people:,}")
        self.assert_accessible("campaign")
        self.assert_fits("campaign")
        self.picture("campaign")
        # People who were just invited are left out, so there is nobody to send to.
        self.page.locator("header nav").get_by_role("link", name="Invite").click()
        self.page.locator("#load").click()
        expect(self.page.locator("#willEmail")).to_have_text("0")
        expect(self.page.locator("#excluded-recentlyInvited")).to_have_text(f"{people:,}")
        expect(self.page.locator("#send")).to_be_disabled()
        self.page.locator("#excluded-recentlyInvited").click()
        expect(self.page.locator("#panel tbody tr").first).to_be_visible()

    def test_earlier_campaigns_are_listed_with_who_when_and_which(self):
        self.open("?division=TORONTO#/campaigns")
        expect(self.page.get_by_role("heading", level=1)).to_have_text(re.compile("Campaigns"))
        self.assert_accessible("campaigns")
        self.assert_fits("campaigns")

    def test_one_person_is_invited_and_the_history_tells_of_it(self):
        self.find_somebody()
        person = self.page.url
        self.page.locator("#invite-person").click()
        self.page.locator("#confirm-send").click()
        self.await_end()
        self.page.goto(person)
        expect(self.page.locator("#history")).to_contain_text("Sent")
        expect(self.page.locator("#decision")).to_contain_text("Invited in the last 24 hours")
        # A second invitation within a day needs a ticked box.
        expect(self.page.locator("#invite-person")).to_be_disabled()
        self.page.locator("#includeRecentlyInvited").check()
        expect(self.page.locator("#invite-person")).to_be_enabled()

    def test_a_lost_answer_never_sends_twice(self):
        address = self.find_somebody()
        self.page.locator("#invite-person").click()
        keys = []

        def lose_the_first_answer(route):
            keys.append(route.request.headers["idempotency-key"])
            if len(keys) == 1:
                route.fetch()
                return route.abort()
            return route.continue_()

        self.page.route("**/v1/campaigns", lose_the_first_answer)
        self.page.locator("#confirm-send").click()
        expect(self.page.locator("#send-problem")).not_to_be_empty()
        self.page.locator("#confirm-send").click()
        self.await_end()
        self.assertEqual(len(set(keys)), 1, "one key for both tries")
        self.assertEqual(len(self.stack.mails_to(address)), 1)

    def test_a_selection_that_changed_meanwhile_is_shown_and_not_mailed(self):
        self.load("OMAHA")
        self.page.route(
            "**/v1/campaigns",
            lambda route: route.continue_(post_data=re.sub(r'"expectedRecipients":\d+', '"expectedRecipients":1', route.request.post_data)),
        )
        self.page.locator("#send").click()
        expect(self.page.locator("#preview-subject")).to_be_visible()
        people = self.page.locator("#send-people").inner_text().replace(",", "")
        self.page.locator("#confirm-number").fill(people)
        self.page.locator("#confirm-send").click()
        expect(self.page.locator("#drift-counts")).to_be_visible()
        self.assert_accessible("drift")
        self.page.locator("#load-again").click()
        expect(self.page.locator("#willEmail")).to_be_visible()


if __name__ == "__main__":
    unittest.main()
