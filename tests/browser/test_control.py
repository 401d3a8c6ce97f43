"""The commands for a campaign: pause, resume, cancel, retry, settle. Each test has its own division."""

from __future__ import annotations

import json
import re
import unittest
from collections import Counter
from pathlib import Path

from campaigns import signed_in
from page import NARROW, PageTest, expect

# E-mails a minute. A campaign at this rate does not end during a test, however slow the machine is.
ENDLESS = 2


class Control(PageTest):
    def setUp(self) -> None:
        super().setUp()
        self.campaigns = signed_in()

    def open_campaign(self, campaign: str, *more: str) -> None:
        self.open("#/" + "/".join(["campaigns", campaign, *more]))
        expect(self.page.locator("#campaign-state")).to_be_visible()

    def expect_state(self, state: str) -> None:
        expect(self.page.locator("#campaign-state")).to_have_text(state, timeout=120_000)

    def expect_outcome(self, outcome: str, people: int) -> None:
        expect(self.page.locator(f"#outcome-{outcome}")).to_have_text(str(people), timeout=120_000)

    def expect_announced(self, text: str) -> None:
        expect(self.page.locator("#live")).to_contain_text(text)

    def assert_each_mailed_once(self, division: str, people: int) -> None:
        self.assertEqual(self.mailed(division, people), [1] * people)

    def mailed(self, division: str, people: int) -> list[int]:
        """The number of e-mails of each person."""
        addresses = [self.campaigns.address(division, number) for number in range(people)]
        mails = Counter(mail["To"][0] for mail in self.stack.mails_to(*addresses))
        return [mails[address] for address in addresses]

    def slow_campaign(self, people: int) -> tuple[str, str]:
        """A division, and a campaign in it that has sent something and will not end for a long time."""
        division = self.campaigns.division(people)
        campaign = self.campaigns.start(division, people, maxPerMinute=ENDLESS)
        self.open_campaign(campaign)
        expect(self.page.locator("#outcome-sent")).not_to_have_text("0", timeout=120_000)
        return division, campaign

    def test_a_slow_campaign_pauses_resumes_over_a_reload_and_mails_everybody_once(self):
        # Enough people for a minute, in which the test pauses the campaign.
        people = a_minute = 30
        division = self.campaigns.division(people)
        self.open(f"?division={division}")
        self.page.locator("#load").click()
        self.page.locator("#send").click()
        self.page.locator("#pace summary").click()
        pace = self.page.locator("#max-per-minute")
        pace.fill("0")
        self.page.locator("#pace summary").click()
        # A fault in a folded field is shown, and nothing is sent.
        self.page.locator("#confirm-send").click()
        expect(pace).to_be_visible()
        expect(pace).to_be_focused()
        pace.fill(str(a_minute))
        self.assert_accessible("send dialog with a pace")
        self.picture("send-pace")
        self.page.locator("#confirm-send").click()
        expect(self.page.locator("#outcome-sent")).not_to_have_text("0", timeout=120_000)
        expect(self.page.locator(".facts").first).to_contain_text(f"{a_minute} a minute")
        self.page.locator("#pause").click()
        self.expect_state("Paused")
        expect(self.page.locator("#resume")).to_be_focused()
        expect(self.page.locator("#why-stopped")).to_contain_text("Paused by operator@example.com. Nobody is e-mailed until it is resumed.")
        self.expect_announced("Paused")
        # E-mails under way still leave.
        self.expect_outcome("claimed", 0)
        sent = self.page.locator("#outcome-sent").inner_text()
        self.assertLess(int(sent), people)
        self.assert_accessible("paused campaign")
        self.picture("campaign-paused")
        self.page.reload()
        self.sign_in()
        self.expect_state("Paused")
        self.page.wait_for_timeout(6_000)
        expect(self.page.locator("#outcome-sent")).to_have_text(sent)
        self.page.locator("#resume").click()
        expect(self.page.locator("#why-stopped")).to_be_hidden()
        self.expect_state("Completed")
        self.expect_outcome("sent", people)
        self.assert_each_mailed_once(division, people)
        expect(self.page.locator("#controls button:visible")).to_have_count(0)
        self.page.locator("#audit summary").click()
        for entry in (
            "Started, by operator@example.com",
            "Paused, by operator@example.com",
            "Resumed, by operator@example.com",
            f"Ended: {people} sent, by itself",
        ):
            expect(self.page.locator("#audit")).to_contain_text(entry)

    def test_a_campaign_whose_audience_grew_is_resumed_with_the_named_number(self):
        people = 20
        _, campaign = self.slow_campaign(people)
        self.page.locator("#pause").click()
        self.expect_state("Paused")
        self.expect_outcome("claimed", 0)

        def grown(route) -> None:
            answer = route.fetch()
            shown = answer.json()
            if shown["state"] == "paused":
                shown |= {"stateReason": "audienceGrew", "wouldReach": 1234}
            route.fulfill(response=answer, json=shown)

        told = []
        self.page.route(f"**/v1/campaigns/{campaign}", grown)
        self.page.on("request", lambda request: told.append(request.post_data) if request.url.endswith("/resume") else None)
        self.page.reload()
        self.sign_in()
        expect(self.page.locator("#why-stopped")).to_contain_text("More people would be e-mailed than was agreed")
        self.page.locator("#resume").click()
        dialog = self.page.locator("#ask")
        expect(dialog).to_contain_text("Resume with 1,234 people?")
        expect(dialog).to_contain_text("20 people were expected when this campaign was started.")
        self.assert_accessible("resume dialog")
        self.picture("campaign-grew")
        self.page.locator("#ask-yes").click()
        self.expect_state("Sending")
        self.assertEqual(told, ['{"expectedRecipients":1234}'])

    def test_cancelling_asks_and_says_how_many_get_nothing(self):
        people = 60
        division, _ = self.slow_campaign(people)
        self.page.locator("#pause").click()
        self.expect_state("Paused")
        self.expect_outcome("claimed", 0)
        waiting = self.page.locator("#outcome-queued").inner_text()
        self.page.locator("#cancel").click()
        dialog = self.page.locator("#ask")
        expect(dialog).to_contain_text(f"The {waiting} people who are still waiting will not be e-mailed.")
        expect(dialog).to_contain_text("can't be undone")
        expect(self.page.locator("#ask-no")).to_be_focused()
        self.assert_accessible("cancel dialog")
        self.picture("campaign-cancel")
        self.page.locator("#ask-no").click()
        expect(self.page.locator("#cancel")).to_be_focused()
        self.expect_state("Paused")
        self.page.locator("#cancel").click()
        self.page.locator("#ask-yes").click()
        self.expect_state("Cancelled")
        expect(self.page.locator("h1")).to_be_focused()
        # The campaign keeps working until everybody who was waiting is skipped.
        self.expect_outcome("skipped", int(waiting))
        expect(self.page.locator("#campaign-left")).to_contain_text("Ended")
        expect(self.page.locator("#campaign-progress")).to_have_text(f"{people - int(waiting)} of {people} people e-mailed")
        self.assertEqual(sum(self.mailed(division, people)), people - int(waiting))
        self.page.locator("#outcome-skipped").click()
        expect(self.page.locator("#panel tbody tr").first).to_contain_text("The campaign was cancelled")

    def test_those_who_failed_are_tried_again(self):
        people = 6
        division = self.campaigns.division(people)
        campaign = self.campaigns.completed(division, people)
        self.campaigns.turn(campaign, 2, "failed")
        self.open_campaign(campaign)
        retry = self.page.locator("#retry-failed")
        expect(retry).to_have_text("Try the 2 failed again")
        self.assert_accessible("campaign with failed people")
        retry.click()
        self.expect_outcome("failed", 0)
        self.expect_state("Completed")
        self.expect_outcome("sent", people)
        self.page.locator("#audit summary").click()
        expect(self.page.locator("#audit")).to_contain_text("Tried again: failed, by operator@example.com")

    def test_a_retry_in_a_busy_division_leads_to_the_campaign_that_is_active(self):
        division = self.campaigns.division(40)
        one = self.campaigns.recipients(division)[0]["recipientId"]
        done = self.campaigns.completed(division, 1, recipientId=one)
        self.campaigns.turn(done, 1, "failed")
        active = self.campaigns.start(division, 39, maxPerMinute=ENDLESS)
        self.open_campaign(done)
        self.page.locator("#retry-failed").click()
        busy = self.page.locator("#busy-campaign")
        expect(busy).to_be_visible()
        self.assert_accessible("busy division")
        busy.click()
        expect(self.page).to_have_url(re.compile(active))
        self.page.locator("#cancel").click()
        self.page.locator("#ask-yes").click()
        expect(self.page.locator("#campaign-left")).to_contain_text("Ended", timeout=120_000)

    def test_those_who_are_unconfirmed_are_settled_one_by_one_and_all_at_once(self):
        people = 8
        division = self.campaigns.division(people)
        campaign = self.campaigns.completed(division, people)
        self.campaigns.turn(campaign, 5, "unconfirmed")
        self.open_campaign(campaign)
        self.page.locator("#decide").click()
        rows = self.page.locator("#panel tbody tr")
        expect(rows).to_have_count(5)
        self.assert_accessible("unconfirmed people")
        self.assert_fits("unconfirmed people")
        self.picture("settle")
        first = rows.first.locator("th").inner_text()
        self.page.get_by_role("button", name=f"Sent: {first}", exact=True).click()
        expect(rows).to_have_count(4)
        self.expect_announced(f"{first} is marked as sent.")
        expect(rows.first.get_by_role("button").first).to_be_focused()
        rows.first.get_by_role("button", name=re.compile("Not sent")).press("Enter")
        expect(rows).to_have_count(3)
        self.expect_outcome("unconfirmed", 3)
        self.expect_outcome("failed", 1)
        self.page.locator("#settle-all-sent").click()
        expect(self.page.locator("#ask")).to_contain_text("Mark all 3 as sent?")
        self.page.locator("#ask-yes").click()
        expect(self.page.locator("#settle-status")).to_have_text("3 marked as sent, 0 still unconfirmed.")
        self.expect_outcome("unconfirmed", 0)
        self.expect_outcome("sent", 7)
        expect(self.page.locator("#settle-all-sent")).to_be_hidden()
        expect(self.page.locator("#settle-status")).to_be_focused()
        expect(rows).to_have_count(0)
        self.page.locator("#audit summary").click()
        expect(self.page.locator("#audit")).to_contain_text("Marked: 1 person, failed, by operator@example.com")

    def test_trying_the_unconfirmed_again_warns_of_second_emails(self):
        people = 3
        division = self.campaigns.division(people)
        campaign = self.campaigns.completed(division, people)
        self.campaigns.turn(campaign, 1, "unconfirmed")
        self.open_campaign(campaign)
        self.page.locator("#retry-unconfirmed").click()
        expect(self.page.locator("#ask")).to_contain_text("Some may get a second e-mail")
        self.page.locator("#ask-yes").click()
        self.expect_outcome("unconfirmed", 0)
        self.expect_state("Completed")
        self.expect_outcome("sent", people)

    def test_a_halted_campaign_says_why_and_asks_before_it_goes_on(self):
        people = 60
        division, campaign = self.slow_campaign(people)
        self.campaigns.report(campaign, delivered=2, bounced=12, complained=1)
        self.campaigns.stop(campaign, "halted", "bounces")
        self.expect_state("Halted")
        expect(self.page.locator("#why-stopped")).to_contain_text("Too many e-mails came back.")
        expect(self.page.locator("#standing-bounced")).to_contain_text("12")
        self.assert_accessible("halted campaign")
        self.picture("campaign-halted")
        self.list_campaigns_of(division)
        self.page.get_by_role("link", name="All campaigns").click()
        expect(self.page.locator("#campaigns tbody tr").filter(has_text=division)).to_contain_text("Halted: bounces")
        self.picture("campaigns-halted")
        self.page.go_back()
        self.page.locator("#resume").click()
        expect(self.page.locator("#ask")).to_contain_text("Bounced: 12. Complained: 1.")
        self.picture("campaign-resume")
        self.page.locator("#ask-yes").click()
        self.expect_state("Sending")

    def test_a_lost_answer_of_a_command_is_found_out(self):
        self.slow_campaign(60)

        def lose(route):
            route.fetch()
            route.abort()

        self.page.route("**/pause", lose)
        self.page.locator("#pause").click()
        self.expect_state("Paused")
        # The campaign has obeyed, so the problem that this was unknown goes away.
        expect(self.page.locator("#command-problem")).to_be_empty()
        expect(self.page.locator("#resume")).to_be_focused()
        self.page.unroute_all(behavior="wait")
        self.page.route("**/resume", lambda route: route.abort())
        self.page.locator("#resume").click()
        problem = self.page.locator("#command-problem")
        expect(problem).to_contain_text("trying again does no harm")
        self.assert_accessible("lost answer")
        self.page.unroute_all(behavior="wait")
        held = []
        self.page.route("**/resume", lambda route: held.append(route))
        problem.get_by_role("button").click()
        self.wait_until(lambda: held, "nothing was tried again")
        answer = held[0].fetch()
        # Polling shows that the campaign obeyed before the answer arrives, and the button Resume is gone.
        self.expect_state("Sending")
        expect(self.page.locator("#resume")).to_be_hidden()
        held[0].fulfill(response=answer)
        expect(problem).to_be_empty()
        expect(self.page.locator("#pause")).to_be_focused()
        self.page.locator("#cancel").click()
        self.page.locator("#ask-yes").click()
        self.expect_state("Cancelled")

    def test_a_command_whose_effect_is_seen_before_its_answer_is_lost_keeps_the_focus(self):
        self.slow_campaign(60)
        held = []

        def hold(route):
            route.fetch()
            held.append(route)

        self.page.route("**/pause", hold)
        self.page.locator("#pause").click()
        self.expect_state("Paused")
        self.wait_until(lambda: held, "the command was made")
        held.pop().abort()
        expect(self.page.locator("#resume")).to_be_focused()
        expect(self.page.locator("#pause")).to_be_hidden()
        expect(self.page.locator("#command-problem")).to_be_empty()

    def test_a_command_that_came_too_late_says_so_and_shows_how_it_is_now(self):
        _, campaign = self.slow_campaign(60)
        self.page.route(f"**/campaigns/{campaign}", lambda route: None)
        self.campaigns.call("POST", f"campaigns/{campaign}/cancel")
        self.page.locator("#pause").click()
        expect(self.page.locator("#command-problem")).to_contain_text("The campaign is cancelled")

    def test_all_of_it_works_with_the_keyboard_alone(self):
        self.slow_campaign(60)
        keyboard = self.page.keyboard
        self.page.locator("#pause").focus()
        keyboard.press("Enter")
        self.expect_state("Paused")
        expect(self.page.locator("#resume")).to_be_focused()
        keyboard.press("Tab")
        expect(self.page.locator("#cancel")).to_be_focused()
        keyboard.press("Space")
        expect(self.page.locator("#ask-no")).to_be_focused()
        keyboard.press("Escape")
        expect(self.page.locator("#cancel")).to_be_focused()
        keyboard.press("Space")
        keyboard.press("Shift+Tab")
        expect(self.page.locator("#ask-yes")).to_be_focused()
        keyboard.press("Enter")
        self.expect_state("Cancelled")
        expect(self.page.locator("h1")).to_be_focused()

    def test_a_question_that_was_answered_is_gone_before_it_can_be_asked_again(self):
        self.slow_campaign(60)
        self.page.locator("#cancel").click()
        questions = self.page.evaluate("""() => {
            document.querySelector('#ask-no').click();
            document.querySelector('#cancel').click();
            return document.querySelectorAll('#ask').length;
        }""")
        self.assertEqual(questions, 1)
        self.page.locator("#ask-yes").click()
        self.expect_state("Cancelled")

    def test_the_time_left_is_that_of_the_campaigns_own_pace(self):
        people = 60
        self.slow_campaign(people)
        # The estimate is two a minute, however fast the first e-mails were.
        expect(self.page.locator("#campaign-left")).to_have_text(
            re.compile(r"^(2|1\.\d|0\.\d+) a minute, about (29|[3-9]\d|\d{3}) minutes left$")
        )
        self.page.locator("#cancel").click()
        self.page.locator("#ask-yes").click()
        self.expect_state("Cancelled")

    def test_an_open_self_service_campaign_is_no_campaign_that_sends(self):
        division = self.campaigns.division(1)
        campaign = self.campaigns.completed(division, 1)

        def opened(told: dict) -> dict:
            own = {"day": "2026-11-27", "round": 1, "until": "2026-11-28T05:05:00Z"}
            return told | {"state": "sending", "completedAt": None, "selfService": own}

        self.page.route(f"**/v1/campaigns/{campaign}", lambda route: route.fulfill(json=opened(route.fetch().json())))
        self.open_campaign(campaign)
        self.expect_state("Open today")
        expect(self.page.locator("#campaign-progress")).to_have_text("1 person e-mailed so far")
        expect(self.page.locator("#campaign-left")).to_have_text("Nobody is waiting at the moment.")
        self.assertLess(
            self.page.locator(".segment.outcome-sent").bounding_box()["width"],
            0.6 * self.page.locator(".bar-of-outcomes").bounding_box()["width"],
        )

    def test_values_that_this_page_does_not_know_are_shown_as_they_are(self):
        division = self.campaigns.division(3)
        campaign = self.campaigns.completed(division, 3)

        def from_the_future(route):
            told = route.fetch().json()
            told |= {
                "state": "resting",
                "stateReason": "fullMoon",
                "actions": ["pause", "rewind"],
                "feedback": {"delivered": 1, "framed": 2},
                "outcomes": told["outcomes"] | {"teleported": 1},
            }
            told["audit"].insert(0, {"at": told["createdAt"], "by": "system", "action": "enchanted", "reason": "toString"})
            del told["completedAt"]
            route.fulfill(json=told)

        self.page.route(f"**/v1/campaigns/{campaign}", from_the_future)
        self.open_campaign(campaign)
        self.expect_state("resting")
        expect(self.page.locator("#why-stopped")).to_have_text("fullMoon")
        expect(self.page.locator("#standing-framed")).to_contain_text("2")
        expect(self.page.locator("#pause")).to_be_visible()
        self.page.locator("#audit summary").click()
        expect(self.page.locator("#audit li").first).to_contain_text("enchanted, by itself")

    def test_somebody_whose_mail_bounced_may_be_mailed_again(self):
        division = self.campaigns.division(2)
        bounced, complained = (row["recipientId"] for row in self.campaigns.recipients(division))
        self.campaigns.undeliverable(bounced, "bounced")
        self.campaigns.undeliverable(complained, "complained")
        self.open(f"?division={division}#/people/{complained}")
        expect(self.page.locator("#undeliverable")).to_contain_text("marked an e-mail of ours as spam")
        self.page.goto(f"{self.stack.url}?division={division}#/lists/total")
        expect(self.page.locator("#panel tbody tr").filter(has_text="Gets none: mail bounced")).to_have_count(1)
        self.page.locator(f"#person-{bounced}").click()
        expect(self.page.locator("#undeliverable")).to_contain_text("there is no such mailbox")
        expect(self.page.locator("#decision")).to_contain_text("Mail to this address bounced")
        expect(self.page.locator("#invite-person")).to_have_count(0)
        self.assert_accessible("undeliverable person")
        self.picture("person-undeliverable")
        self.page.locator("#clear-undeliverable").click()
        expect(self.page.locator("#invite-person")).to_be_enabled()
        expect(self.page.locator("#undeliverable")).to_have_count(0)
        expect(self.page.locator("#decision")).to_contain_text("Would be e-mailed now.")
        expect(self.page.locator("h1")).to_be_focused()

    def test_what_is_stored_of_a_person_is_downloaded_and_they_are_erased(self):
        division = self.campaigns.division(2)
        recipient, other = (row["recipientId"] for row in self.campaigns.recipients(division))
        self.open(f"?division={division}#/people/{recipient}")
        address = self.page.locator("#person dd").first.inner_text()
        with self.page.expect_download() as waiting:
            self.page.locator("#download-data").click()
        stored = json.loads(Path(waiting.value.path()).read_text(encoding="utf-8"))
        self.assertEqual((stored["recipient"]["email"], len(stored["accounts"])), (address, 1))
        self.assert_fits("person")
        self.picture("person-data")
        self.page.locator("#erase").click()
        expect(self.page.locator("#ask-reason")).to_contain_text("This can't be undone")
        self.assert_accessible("erase")
        self.picture("person-erase")
        self.page.locator("#reason-no").click()
        expect(self.page.locator("#ask-reason")).to_have_count(0)
        self.page.locator("#erase").click()
        # The reason stays in the audit, where nothing may tell who the person was.
        self.page.locator("#reason").fill(f"Asked by {address}")
        self.page.locator("#reason-yes").click()
        expect(self.page.locator("#ask-reason .problem")).to_contain_text("must not name the person")
        self.page.locator("#reason").fill("Request 17")
        self.page.locator("#reason-yes").click()
        self.expect_announced("Erased.")
        expect(self.page.locator("#load")).to_be_visible()
        self.page.goto(f"{self.stack.url}?division={division}#/lists/total")
        expect(self.page.locator("#panel tbody tr")).to_have_count(1)
        expect(self.page.locator(f"#person-{other}")).to_be_visible()
        self.page.goto(f"{self.stack.url}?division={division}#/people/{recipient}")
        expect(self.page.locator(".problem")).to_contain_text("There is no such recipient")

    def test_whoever_may_not_change_customers_can_not_erase(self):
        division = self.campaigns.division(1)
        recipient = self.campaigns.recipients(division)[0]["recipientId"]
        self.open(f"?division={division}#/people/{recipient}", self.stack.create_person(groups=("390",)))
        expect(self.page.locator("#download-data")).to_be_visible()
        expect(self.page.locator("#erase")).to_have_count(0)


class NarrowAndDark(PageTest):
    viewport = NARROW
    colours = "dark"

    def test_control_fits_a_phone_in_the_dark(self):
        campaigns = signed_in()
        division = campaigns.division(8)
        campaign = campaigns.completed(division, 8)
        campaigns.turn(campaign, 2, "unconfirmed")
        campaigns.turn(campaign, 1, "failed")
        campaigns.report(campaign, delivered=3, bounced=1, complained=1)
        self.open(f"#/campaigns/{campaign}/unconfirmed")
        expect(self.page.locator("#panel tbody tr")).to_have_count(2)
        self.page.locator("#audit summary").click()
        expect(self.page.locator("#audit li").first).to_be_visible()
        self.assert_accessible("campaign on a phone")
        self.assert_fits("campaign on a phone")
        self.picture("campaign-narrow", whole=True)
        self.page.locator("#retry-unconfirmed").click()
        self.assert_accessible("dialog on a phone")
        self.picture("campaign-ask-narrow")


if __name__ == "__main__":
    unittest.main()
