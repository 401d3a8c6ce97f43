"""Schedules: made in a form beside a preview, listed, changed and stopped, and the campaigns that they start."""

from __future__ import annotations

import re
import time
import unittest
import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns import ADDRESS, signed_in
from page import NARROW, PageTest, expect

# How soon a schedule for now is due; it is a minute later if saving takes longer than this.
SOON = timedelta(seconds=5)
# A busy machine is slow to start the campaign.
OCCURRENCE_S = 300
# The address of the list of schedules.
LIST = re.compile(r"/v1/schedules(\?|$)")


class SchedulesTest(PageTest):
    def setUp(self) -> None:
        super().setUp()
        self.api = signed_in()

    def make(self, division: str, **more: object) -> dict:
        """Creates a schedule through the API, for every Monday by default."""
        return self.api.call(
            "POST",
            "schedules",
            {
                "name": f"Schedule {uuid.uuid4().hex[:6]}",
                "filter": {"division": division},
                "templateId": "portal-invitation",
                "emailFrom": ADDRESS.format(division.lower()),
                "maxRecipients": 100,
                "rule": {"cron": "0 9 ? * MON *"},
                **more,
            },
        )

    def stored(self, schedule: dict) -> dict:
        return self.api.call("GET", f"schedules/{schedule['scheduleId']}")

    def save_elsewhere(self, schedule: dict, **changes: object) -> dict:
        """Saves the schedule as another operator would meanwhile."""
        now = self.stored(schedule)
        names = ("name", "filter", "templateId", "emailFrom", "audience", "maxRecipients", "rule", "revision")
        body = {name: now[name] for name in names} | changes
        return self.api.call("PUT", f"schedules/{schedule['scheduleId']}", body)

    def open_schedule(self, schedule: dict) -> None:
        self.open(f"#/schedules/{schedule['scheduleId']}")
        expect(self.page.locator("#schedule-name")).to_have_value(schedule["name"])

    def open_new(self, division: str) -> str:
        """Opens the form for a division, and fills in a name."""
        self.open(f"?division={division}#/schedules/new")
        expect(self.page.locator("#division")).to_have_value(division)
        name = f"Schedule {uuid.uuid4().hex[:6]}"
        self.page.locator("#schedule-name").fill(name)
        return name

    def as_if(self, schedule: dict, **told: object) -> None:
        """Changes what the API answers to the page about the schedule."""

        def answer(route):
            if route.request.method != "GET":
                return route.continue_()
            stored = route.fetch()
            return route.fulfill(response=stored, json=stored.json() | told)

        self.page.route(f"**/v1/schedules/{schedule['scheduleId']}", answer)

    def expect_runs(self, text: str) -> None:
        expect(self.page.locator("#preview-runs li").first).to_contain_text(text)


class Form(SchedulesTest):
    def test_a_schedule_is_made_by_form_beside_its_preview_and_listed(self):
        division = self.api.division(3)
        self.open(f"?division={division}#/schedules")
        self.page.locator("#new-schedule").click()
        # The choices of the view Invite are kept.
        expect(self.page.locator("#division")).to_have_value(division)
        expect(self.page.locator("#schedule-zone")).to_contain_text("America/New_York")
        name = f"Every Wednesday {uuid.uuid4().hex[:6]}"
        self.page.locator("#schedule-name").fill(name)
        self.page.locator("#rule-weekdays-monday").uncheck()
        self.page.locator("#rule-weekdays-wednesday").check()
        self.page.locator("#rule-time").fill("07:30")
        runs = self.page.locator("#preview-runs li")
        expect(runs).to_have_text([re.compile(r"Wednesday, .*7:30 AM E[SD]T")] * 5)
        expect(self.page.locator("#preview-people")).to_contain_text("Today it would e-mail 3 of 3 people in the selection.")
        limit = self.page.locator("#max-recipients")
        limit.fill("2")
        expect(self.page.locator("#preview-too-many")).to_contain_text("over its limit of 2")
        self.check_looks("new schedule")
        self.picture("schedule-new", whole=True)
        limit.fill("10")
        expect(self.page.locator("#preview-too-many")).to_have_count(0)
        # Nobody is reminded by default, and reminders have default limits.
        expect(self.page.locator("#audience-status")).to_have_value("notSent")
        expect(self.page.locator("#audience-pending-days")).to_be_hidden()
        self.page.locator("#audience-status").select_option("pending")
        expect(self.page.locator("#preview-left-out")).to_have_text("3 people were never invited.")
        self.page.locator("#audience-max-reminders").fill("")
        expect(self.page.locator("#preview-status")).to_contain_text("The preview waits")
        self.page.locator("#audience-status").select_option("notSent")
        self.page.locator("#save-schedule").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(f"{name} Active")
        address = self.page.url
        schedule = self.stored({"scheduleId": address.rsplit("/", 1)[1]})
        self.assertEqual(schedule["rule"], {"cron": "30 7 ? * WED *"})
        self.assertEqual(schedule["audience"], {"status": "notSent"})
        self.assertNotIn("quietHours", {key: value for key, value in schedule.items() if value is not None})
        self.page.reload()
        self.sign_in()
        expect(self.page).to_have_url(address)
        expect(self.page.locator("#rule-time")).to_have_value("07:30")
        expect(self.page.locator("#occurrences")).to_contain_text("It was not due yet.")
        self.page.locator("#audit summary").click()
        expect(self.page.locator("#audit li")).to_contain_text("Made, by operator@example.com")
        self.check_looks("schedule")
        self.page.locator("header nav").get_by_role("link", name="Schedules").click()
        row = self.page.locator("#schedules tbody tr").filter(has_text=name)
        for text in (division, "Every Wednesday at 7:30", "Never invited", "operator@example.com", "Active", "Wednesday"):
            expect(row).to_contain_text(text)
        self.check_looks("schedules")
        self.picture("schedules")
        self.page.go_back()
        expect(self.page.locator("#schedule-name")).to_have_value(name)

    def test_a_lost_answer_makes_no_second_schedule(self):
        name = self.open_new(self.api.division(1))
        self.page.locator("#max-recipients").fill("10")
        tries = []

        def lose_the_first_answer(route):
            if route.request.method != "POST":
                return route.continue_()
            tries.append(route.request.headers["idempotency-key"])
            if len(tries) == 1:
                route.fetch()
                return route.abort()
            return route.continue_()

        self.page.route("**/v1/schedules", lose_the_first_answer)
        self.page.locator("#save-schedule").click()
        problem = self.page.locator("#save-problem")
        expect(problem).not_to_be_empty()
        problem.get_by_role("button").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(f"{name} Active")
        self.assertEqual(len(set(tries)), 1, "one key for both tries")
        self.page.locator("header nav").get_by_role("link", name="Schedules").click()
        expect(self.page.locator("#schedules tbody tr").filter(has_text=name)).to_have_count(1)

    def test_every_kind_of_rule_is_written_for_whoever_chooses_it(self):
        self.open_new("DAYTON")
        asked = []
        self.page.on(
            "request", lambda request: asked.append(request.post_data_json["rule"]) if "schedules/preview" in request.url else None
        )

        def expect_rule(**rule: str) -> None:
            self.wait_until(lambda: rule in asked, f"{rule} is not in {asked}")

        kind = self.page.locator("#rule-kind")
        kind.select_option("daily")
        self.page.locator("#rule-time").fill("06:05")
        expect_rule(cron="5 6 * * ? *")
        kind.select_option("weekly")
        self.page.locator("#rule-weekdays-friday").check()
        expect_rule(cron="5 6 ? * MON,FRI *")
        kind.select_option("monthly")
        self.page.locator("#rule-day").select_option("31")
        expect(self.page.locator("#rule")).to_contain_text("Months without a day 31 are left out.")
        expect_rule(cron="5 6 31 * ? *")
        self.page.locator("#rule-day").select_option("L")
        expect_rule(cron="5 6 L * ? *")
        kind.select_option("interval")
        self.page.locator("#rule-every").fill("1")
        expect_rule(rate="1 day")
        self.page.locator("#rule-every").fill("36")
        self.page.locator("#rule-unit").select_option("hours")
        expect_rule(rate="36 hours")
        kind.select_option("once")
        day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
        self.page.locator("#rule-at-date").fill(day)
        self.page.locator("#rule-at-time").fill("23:59")
        expect_rule(at=f"{day}T23:59:00")
        expect(self.page.locator("#preview-runs li")).to_have_count(1)

    def test_faults_are_told_at_their_fields_and_not_while_somebody_types(self):
        self.open("#/schedules/new")
        expect(self.page.locator("#preview-status")).to_contain_text("Choose a division.")
        save = self.page.locator("#save-schedule")
        save.click()
        name = self.page.locator("#schedule-name")
        expect(name).to_be_focused()
        expect(name).to_have_attribute("aria-invalid", "true")
        described = name.get_attribute("aria-describedby")
        expect(self.page.locator(f"#{described}")).to_have_text("Give it a name.")
        expect(self.page.locator("#division-faults")).not_to_be_empty()
        expect(self.page.locator("#max-recipients-faults")).not_to_be_empty()
        self.check_looks("refused schedule")
        name.fill("Nights")
        expect(self.page.locator("#schedule-name-faults")).to_be_empty()
        self.page.locator("#division").select_option("DAYTON")
        self.page.locator("#max-recipients").fill("5000")
        expect(self.page.locator("#preview-runs li")).to_have_count(5)
        self.page.locator("#quiet-hours-on").check()
        until = self.page.locator("#quiet-hours-until")
        until.fill("07:00")
        expect(self.page.locator("#preview-status")).to_contain_text("faults at the fields")
        expect(self.page.locator("#quiet-hours-until-faults")).to_be_empty()
        until.press("Tab")
        until.press("Tab")
        self.page.locator("#schedule-name").focus()
        expect(self.page.locator("#quiet-hours-until-faults")).not_to_be_empty()
        # The preview does not move the focus; a refused save moves it to the fault.
        expect(self.page.locator("#schedule-name")).to_be_focused()
        save.click()
        expect(until).to_be_focused()
        expect(self.page.locator("#save-problem")).to_contain_text("Not saved")
        until.fill("21:00")
        self.page.locator("#schedule-name").focus()
        expect(self.page.locator("#quiet-hours-until-faults")).to_be_empty()

    def test_an_answer_that_comes_late_is_not_shown(self):
        held = []
        self.page.route("**/v1/schedules/preview", lambda route: route.continue_() if held else held.append(route))
        self.open_new("DAYTON")
        self.page.locator("#rule-kind").select_option("daily")
        self.wait_until(lambda: held, "nothing was asked")
        self.page.locator("#rule-time").fill("17:45")
        self.expect_runs("5:45 PM")
        held[0].continue_()
        self.page.wait_for_timeout(1_000)
        self.expect_runs("5:45 PM")

    def test_a_rule_of_another_program_is_told_in_words_and_kept(self):
        division = self.api.division(1)
        schedule = self.make(division, rule={"cron": "0 9 ? * MON#1 *"}, maxPerMinute=60, **{"from": "2026-01-01T08:00:00"})
        self.open_schedule(schedule)
        expect(self.page.locator("#rule-kept")).to_contain_text("On the first Monday of the month at 9:00 AM.")
        expect(self.page.locator("#max-per-minute")).to_have_value("60")
        self.page.locator("#schedule-name").fill("Renamed")
        self.page.locator("#save-schedule").click()
        expect(self.page.locator("#save-status")).to_contain_text("Saved.")
        now = self.stored(schedule)
        self.assertEqual((now["name"], now["rule"], now["from"], now["maxPerMinute"]), ("Renamed", schedule["rule"], schedule["from"], 60))
        self.page.locator("#rule-kind").select_option("daily")
        self.page.locator("#save-schedule").click()
        expect(self.page.locator(".facts").first).to_contain_text("Every day at 9:00 AM")

    def test_what_is_not_on_offer_any_more_is_kept_until_somebody_chooses(self):
        schedule = self.make(self.api.division(1))
        self.as_if(schedule, templateId="retired", filter=schedule["filter"] | {"billGroup": "YEARLY"})
        self.open_schedule(schedule)
        expect(self.page.locator("#templateId")).to_have_value("retired")
        expect(self.page.locator("#templateId option:checked")).to_have_text("retired (not on offer)")
        expect(self.page.locator("#billGroup")).to_have_value("YEARLY")
        expect(self.page.locator("#emailFrom")).to_have_value(schedule["emailFrom"])

    def test_unsaved_changes_are_asked_about_and_survive_a_reload(self):
        schedule = self.make(self.api.division(1))
        self.open_schedule(schedule)
        self.page.locator("#rule-time").fill("11:11")
        self.page.locator("header nav").get_by_role("link", name="Campaigns").click()
        expect(self.page.locator("#ask")).to_contain_text("not saved")
        self.page.locator("#ask-no").click()
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.page.reload()
        self.sign_in()
        expect(self.page.locator("#draft")).to_be_visible()
        expect(self.page.locator("#rule-time")).to_have_value("11:11")
        self.assert_accessible("draft of a schedule")
        self.page.locator("#discard-draft").click()
        expect(self.page.locator("#rule-time")).to_have_value("09:00")
        expect(self.page.locator("#draft")).to_have_count(0)

    def test_a_save_by_somebody_else_meanwhile_is_told_and_nothing_is_lost(self):
        schedule = self.make(self.api.division(1))
        self.open_schedule(schedule)
        self.save_elsewhere(schedule, name="Theirs")
        self.page.locator("#schedule-name").fill("Mine")
        self.page.locator("#save-schedule").click()
        expect(self.page.locator("#save-problem")).to_contain_text("operator@example.com has changed this schedule meanwhile")
        expect(self.page.locator("#schedule-name")).to_have_value("Mine")
        expect(self.page.locator("#see-theirs")).to_have_attribute("target", "_blank")
        self.assert_accessible("schedule changed meanwhile")
        self.page.locator("#save-over").click()
        expect(self.page.locator("#save-status")).to_contain_text("Saved.")
        self.assertEqual(self.stored(schedule)["name"], "Mine")
        self.save_elsewhere(schedule, name="Theirs again")
        self.page.locator("#schedule-name").fill("Mine again")
        self.page.locator("#save-schedule").click()
        self.page.locator("#take-theirs").click()
        expect(self.page.locator("#schedule-name")).to_have_value("Theirs again")


class Commands(SchedulesTest):
    def test_a_schedule_is_paused_resumed_and_deleted(self):
        schedule = self.make(self.api.division(1))
        self.open_schedule(schedule)
        title = self.page.get_by_role("heading", level=1)
        pause, resume = self.page.locator("#pause-schedule"), self.page.locator("#resume-schedule")
        pause.focus()
        pause.press("Enter")
        expect(title).to_contain_text("Paused")
        expect(resume).to_be_focused()
        expect(self.page.locator("#why-idle")).to_contain_text("until somebody resumes it")
        self.assert_accessible("paused schedule")
        self.assertEqual(self.stored(schedule)["state"], "paused")
        resume.press("Enter")
        expect(title).to_contain_text("Active")
        expect(pause).to_be_focused()
        # A command changes the schedule without counting as another operator's save.
        self.page.locator("#max-recipients").fill("7")
        self.page.locator("#save-schedule").click()
        expect(self.page.locator("#save-status")).to_contain_text("Saved.")
        self.page.locator("#delete-schedule").click()
        expect(self.page.locator("#ask-no")).to_be_focused()
        self.page.locator("#ask-no").click()
        expect(title).to_contain_text("Active")
        self.page.locator("#delete-schedule").click()
        self.page.locator("#ask-yes").click()
        expect(title).to_have_text("Schedules")
        expect(self.page.locator("#schedules .extent")).to_contain_text("shown")
        expect(self.page.locator("#schedules tbody").get_by_text(schedule["name"])).to_have_count(0)

    def test_one_that_was_turned_off_says_why_and_whose_it_becomes(self):
        schedule = self.make(self.api.division(1))
        self.as_if(schedule, state="off", stateReason="failures", failures=3, nextRuns=[])
        self.open_schedule(schedule)
        expect(self.page.locator("#why-idle")).to_contain_text("turned off because it failed 3 times in a row")
        self.check_looks("schedule that is off")
        self.page.locator("#resume-schedule").click()
        expect(self.page.locator("#ask")).to_contain_text("you become its owner")
        self.assert_accessible("resume dialog")
        self.page.locator("#ask-yes").click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("Active")
        expect(self.page.locator("#command-status")).to_contain_text("You are its owner now.")

    def test_one_of_the_stacks_template_can_be_paused_and_not_changed(self):
        schedule = self.make(self.api.division(1))
        self.as_if(schedule, inTemplate=True)
        self.open_schedule(schedule)
        expect(self.page.locator("#in-template")).to_contain_text("template of the stack")
        for field in ("#schedule-name", "#division", "#rule-kind", "#max-recipients"):
            expect(self.page.locator(field)).to_be_disabled()
        expect(self.page.locator("#save-schedule")).not_to_be_visible()
        self.expect_runs("Monday")
        self.check_looks("schedule of the template")
        self.page.locator("#delete-schedule").click()
        expect(self.page.get_by_role("dialog")).to_contain_text("If it is still in the template of the stack, it comes back")
        self.page.get_by_role("button", name="Keep it").click()
        self.page.locator("#pause-schedule").click()
        expect(self.page.locator("#resume-schedule")).to_be_visible()

    def test_a_rule_that_is_written_in_another_way_stays_as_it_is(self):
        schedule = self.make(self.api.division(1), rule={"cron": "0 9 01 * ? *"})
        self.open_schedule(schedule)
        expect(self.page.locator("#rule-day")).to_have_value("1")
        self.page.locator("#schedule-name").fill("Firsts")
        self.page.locator("#save-schedule").click()
        expect(self.page.locator("#save-status")).to_contain_text("Saved")
        self.assertEqual(self.stored(schedule)["rule"], {"cron": "0 9 01 * ? *"})

    def test_what_was_typed_in_part_and_is_not_asked_for_any_more_is_in_nobodys_way(self):
        self.open_new(self.api.division(1))
        self.page.locator("#max-recipients").fill("10")
        kind = self.page.locator("#rule-kind")
        kind.select_option("once")
        self.page.locator("#rule-at-date").press_sequentially("12")
        kind.select_option("daily")
        self.page.locator("#save-schedule").click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("Active")

    def test_an_empty_list_says_what_a_schedule_is(self):
        self.page.route(LIST, lambda route: route.fulfill(json={"items": [], "nextCursor": None}))
        self.open("#/schedules")
        expect(self.page.locator("#schedules")).to_contain_text("A schedule starts campaigns by itself")
        self.check_looks("no schedules")

    def test_a_long_list_comes_page_by_page(self):
        division = self.api.division(1)
        names = [self.make(division)["name"] for _ in range(3)]
        self.page.route(
            LIST,
            lambda route: route.continue_(
                url=route.request.url + ("&" if "?" in route.request.url else "?") + f"division={division}&limit=1"
            ),
        )
        self.open("#/schedules")
        for name in names:
            expect(self.page.locator("#schedules tbody tr").filter(has_text=name)).to_have_count(1)
        expect(self.page.locator("#schedules .extent")).to_have_text("3 shown, that is all")


class Occurrences(SchedulesTest):
    def make_for_soon(self, division: str, **more: object) -> dict:
        start = datetime.now(ZoneInfo("America/New_York")) + SOON
        return self.make(division, rule={"rate": "1 minute"}, **{"from": start.strftime("%Y-%m-%dT%H:%M:%S")}, **more)

    def await_occurrence(self, schedule: dict) -> dict:
        deadline = time.monotonic() + OCCURRENCE_S
        while not (items := self.api.call("GET", f"schedules/{schedule['scheduleId']}/occurrences")["items"]):
            if time.monotonic() > deadline:
                raise TimeoutError("the schedule never came")
            time.sleep(1)
        self.api.call("POST", f"schedules/{schedule['scheduleId']}/pause")
        return items[-1]

    def test_what_came_of_a_schedule_is_listed_and_a_campaign_waits_for_its_hours(self):
        # The schedule may send only on a day that is neither today nor tomorrow in any time zone.
        later = (datetime.now(UTC) + timedelta(days=3)).strftime("%A").lower()
        crowded, quiet = self.api.division(3), self.api.division(2)
        skipped = self.make_for_soon(crowded, maxRecipients=1)
        waiting = self.make_for_soon(quiet, quietHours={"sendFrom": "08:00", "sendUntil": "20:00", "weekdays": [later]})
        self.assertEqual(self.await_occurrence(skipped)["reason"], "tooManyRecipients")
        campaign = self.await_occurrence(waiting)["campaignId"]
        self.open_schedule(skipped)
        row = self.page.locator("#occurrences tbody tr").last
        expect(row).to_contain_text("Skipped")
        expect(row).to_contain_text("It would have e-mailed 3 people, which is over the limit.")
        self.check_looks("schedule with occurrences")
        self.page.goto(f"{self.stack.url}#/schedules/{waiting['scheduleId']}")
        row = self.page.locator("#occurrences tbody tr").last
        expect(row).to_contain_text("Started")
        row.get_by_role("link", name="Campaign").click()
        expect(self.page).to_have_url(re.compile(campaign))
        self.waits_for_its_hours(waiting, later)
        self.keeps_the_division_busy(quiet)
        self.page.locator("#cancel").click()
        self.page.locator("#ask-yes").click()
        expect(self.page.locator("#campaign-state")).to_have_text("Cancelled", timeout=120_000)

    def waits_for_its_hours(self, schedule: dict, day: str) -> None:
        why = self.page.locator("#why-stopped")
        expect(why).to_contain_text(re.compile(f"sends only at its hours.*begin again on {day}, .*8:00.AM", re.IGNORECASE), timeout=120_000)
        expect(self.page.locator("#campaign-schedule")).to_have_text(schedule["name"])
        expect(self.page.locator(".facts").first).to_contain_text(re.compile("8:00.AM to 8:00.PM"))
        expect(self.page.locator("#resume")).to_be_hidden()
        stay = self.page.locator("#pause")
        expect(stay).to_have_text("Stay paused")
        self.check_looks("campaign that waits for its hours")
        self.picture("campaign-quiet-hours")
        stay.click()
        expect(why).to_contain_text("Paused by operator@example.com")
        expect(self.page.locator("#resume")).to_be_focused()
        self.page.locator("#resume").click()
        expect(why).to_contain_text("sends only at its hours", timeout=120_000)

    def keeps_the_division_busy(self, division: str) -> None:
        self.page.goto(f"{self.stack.url}?division={division}#/")
        self.sign_in()
        self.page.locator("#load").click()
        # The page says so before Send is pressed, and the refusal says so again.
        expect(self.page.locator("#division-busy")).to_contain_text(
            "This division is busy. “Portal Invitation”, started by the schedule “Schedule"
        )
        expect(self.page.locator("#in-the-way-until")).to_contain_text("goes on by itself on")
        self.check_looks("counts of a busy division")
        self.picture("busy")
        self.page.locator("#send").click()
        self.page.locator("#confirm-send").click()
        expect(self.page.locator("#busy-until")).to_contain_text("goes on by itself on")
        self.assert_accessible("busy division")
        self.page.locator("#busy-campaign").click()
        expect(self.page.locator("#campaign-schedule")).to_be_visible()


class NarrowAndDark(SchedulesTest):
    viewport = NARROW
    colours = "dark"

    def test_a_schedule_is_made_on_a_phone_with_the_keyboard_alone(self):
        division = self.api.division(1)
        name = self.open_new(division)
        self.page.locator("#schedule-name").focus()
        self.tab_to("max-recipients")
        self.page.keyboard.type("20")
        self.tab_to("quiet-hours-on")
        self.page.keyboard.press("Space")
        expect(self.page.locator("#quiet-hours-from")).to_have_value("08:00")
        expect(self.page.locator("#preview-runs li")).to_have_count(5)
        self.assert_accessible("form on a phone")
        self.assert_fits("form on a phone")
        self.picture("schedule-narrow", whole=True)
        self.tab_to("save-schedule")
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(name)
        expect(self.page.get_by_role("heading", level=1)).to_be_focused()
        self.assert_fits("schedule on a phone")

    def tab_to(self, wanted: str) -> None:
        for _ in range(60):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("document.activeElement.id") == wanted:
                return
        self.fail(f"{wanted} is out of the keyboard's reach")


if __name__ == "__main__":
    unittest.main()
