"""Notification templates: copied, edited beside a preview, refused if they would do harm, and sent."""

from __future__ import annotations

import unittest
import uuid

from page import NARROW, WIDE, PageTest, expect


class Templates(PageTest):
    def copy_built_in(self) -> str:
        """Opens an unsaved copy of the built-in template under a new name; returns the name."""
        self.open("?division=DAYTON#/templates/portal-invitation")
        expect(self.page.locator("#template-html")).not_to_be_editable()
        self.page.locator("#copy-template").click()
        expect(self.page.locator("#template-html")).to_be_editable()
        name = f"Copy {uuid.uuid4().hex[:6]}"
        self.page.locator("#template-name").fill(name)
        return name

    def save(self) -> None:
        self.page.locator("#save-template").click()
        expect(self.page.locator("#template-activation")).to_be_visible()

    def test_a_copy_is_edited_beside_its_preview_and_every_save_is_a_version(self):
        name = self.copy_built_in()
        self.page.locator("#template-subject").fill("Welcome to {{division.name}}")
        expect(self.page.locator("#preview-subject")).to_have_text("Welcome to Gem City Waste & Recycling")
        mail = self.page.frame_locator(".mail-frame")
        expect(mail.locator("body")).to_contain_text("•••••-•••••")
        # The frame applies the e-mail's own styles, which the page's strict policy would drop.
        self.assertNotEqual(mail.locator("h1").evaluate("heading => getComputedStyle(heading).fontSize"), "32px")
        self.save()
        self.page.locator("#template-subject").fill("Second subject for {{division.name}}")
        self.page.locator("#save-template").click()
        expect(self.page.locator("#save-status")).to_have_text("Saved as version 2.")
        expect(self.page.locator("#versions tbody tr")).to_have_count(2)
        expect(self.page.locator("#versions")).to_contain_text("operator@example.com")
        self.assert_accessible("template")
        self.assert_fits("template")
        self.page.set_viewport_size(NARROW)
        self.page.emulate_media(color_scheme="dark")
        self.assert_accessible("template, dark, narrow")
        self.assert_fits("template, narrow")
        self.wait_until(
            lambda: mail.locator("html").evaluate("html => html.scrollWidth <= innerWidth"), "the e-mail is wider than its frame"
        )
        tabs = self.page.locator("header nav a")
        self.assertEqual(len({tab.bounding_box()["y"] for tab in tabs.all()}), 1, "the navigation is one line")
        self.page.set_viewport_size(WIDE)
        self.page.locator("#template-activation").click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("Not active")
        # A template that is not active is not offered for a Send.
        self.page.locator("header nav").get_by_role("link", name="Invite").click()
        expect(self.page.locator("#templateId")).to_contain_text("Portal Invitation")
        self.assertNotIn(name, self.page.locator("#templateId").inner_text())

    def test_a_save_that_would_do_harm_is_refused_with_line_and_column(self):
        self.copy_built_in()
        html = self.page.locator("#template-html")
        html.fill('<p>{{temporaryPassword}} <a href="{{activationLink}}">here</a></p>\n<p>{{{name}}}</p>\n<script>alert(1)</script>')
        self.page.locator("#save-template").click()
        faults = self.page.locator("#template-html-faults")
        expect(faults).to_contain_text("Line 2, column 4")
        expect(faults).to_contain_text("Line 3, column 1")
        caret = html.evaluate("area => area === document.activeElement ? area.selectionStart : -1")
        self.assertEqual(html.input_value()[caret : caret + 3], "{{{")
        self.page.locator("#template-subject").fill("Your password is {{temporaryPassword}}")
        self.page.locator("#save-template").click()
        expect(self.page.locator("#template-subject-faults")).to_contain_text("Line 1, column 18")
        self.assert_accessible("refused template")

    def test_unsaved_text_survives_a_reload(self):
        self.copy_built_in()
        self.page.locator("#template-text").fill("Half a thought")
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.page.reload()
        self.sign_in()
        expect(self.page.locator("#template-text")).to_have_value("Half a thought")
        expect(self.page.locator("#draft")).to_be_visible()

    def test_a_save_by_somebody_else_meanwhile_is_told_and_nothing_is_lost(self):
        self.copy_built_in()
        self.save()
        address = self.page.url
        other = self.new_page()
        mine = self.page
        other.goto(address)
        self.page = other
        self.sign_in()
        other.locator("#template-subject").fill("Theirs")
        other.locator("#save-template").click()
        expect(other.locator("#save-status")).to_have_text("Saved as version 2.")
        mine.locator("#template-subject").fill("Mine")
        mine.locator("#save-template").click()
        expect(mine.locator("#save-problem")).to_contain_text("version 2")
        expect(mine.locator("#template-subject")).to_have_value("Mine")
        with mine.expect_popup() as theirs:
            mine.locator("#see-theirs").click()
        self.page = theirs.value
        self.sign_in()
        expect(self.page.locator("#template-subject")).to_have_value("Theirs")
        mine.locator("#save-over").click()
        expect(mine.locator("#save-status")).to_have_text("Saved as version 3.")

    def test_a_test_goes_to_the_operators_own_address_with_no_password(self):
        before = len(self.stack.mails_to("operator@example.com"))
        self.open("?division=DAYTON")
        self.page.locator("#load").click()
        expect(self.page.locator("#send")).to_be_enabled()
        self.page.locator("#send").click()
        self.page.locator("#send-test").click()
        expect(self.page.locator("#test-status")).to_contain_text("operator@example.com")
        mails = self.stack.mails_to("operator@example.com")
        self.assertEqual(len(mails), before + 1)
        self.assertTrue(mails[-1]["Subject"].startswith("[Test] "), mails[-1]["Subject"])
        self.assertIn("XXXXX-XXXXX", mails[-1]["BodyText"])
        self.page.locator("#cancel-send").click()
        self.page.locator("#load").click()
        expect(self.page.locator("#count-notSent")).to_have_text("2")

    def test_templates_are_listed(self):
        self.open("#/templates")
        expect(self.page.locator("#templates tbody tr").first).to_contain_text("Portal Invitation")
        self.assert_accessible("templates")
        self.assert_fits("templates")


if __name__ == "__main__":
    unittest.main()
