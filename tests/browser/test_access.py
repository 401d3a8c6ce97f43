"""Who may sign in, and what happens to those who may not, or whose session has ended."""

from __future__ import annotations

import re
import unittest

from page import PageTest, expect


class Access(PageTest):
    def test_whoever_lacks_the_permission_is_told_its_name_and_sees_nothing_else(self):
        self.open("?division=DAYTON", self.stack.create_person(groups=("directory", "3900")))
        expect(self.page.locator("#denied")).to_contain_text("390, Send Account Portal Invitations")
        for hidden in ("#filters", "#load", "nav"):
            expect(self.page.locator(hidden)).to_have_count(0)
        self.assert_accessible("no permission")

    def test_whoever_works_in_one_division_is_offered_that_one_and_changes_no_template(self):
        self.open("", self.stack.create_person(groups=("390:DAYTON",)))
        expect(self.page.locator("#division option")).to_have_text(["Choose a division", re.compile("^DAYTON")])
        self.page.locator("header nav").get_by_role("link", name="Templates").click()
        expect(self.page.locator("#templates tbody tr")).not_to_have_count(0)
        expect(self.page.locator(".only-everywhere")).to_be_visible()
        expect(self.page.locator("#new-template")).to_have_count(0)
        self.page.locator("#templates").get_by_role("link", name="Portal Invitation", exact=True).click()
        expect(self.page.locator("#template-html")).not_to_be_editable()
        for hidden in ("#save-template", "#template-activation", "#copy-template"):
            expect(self.page.locator(hidden)).to_have_count(0)
        self.assert_accessible("operator of one division")

    def test_who_may_see_the_audit_reads_there_who_changed_what(self):
        self.open("?division=DAYTON", self.stack.create_person(groups=("audit:DAYTON",)))
        expect(self.page.locator("header nav a")).to_have_text(["Audit"])
        entries = self.page.locator("#entries tbody tr")
        expect(entries.filter(has_text="Accounts imported").first).to_contain_text("accounts stored")
        expect(entries.filter(has_text="OMAHA")).to_have_count(0)
        self.assertNotRegex(self.page.locator("#entries th[scope=row]").first.inner_text(), "http|object|,")
        self.assert_accessible("audit")
        self.assert_fits("audit")
        self.page.locator("#audit-division").fill("OMAHA")
        self.page.get_by_role("button", name="Show", exact=True).click()
        expect(self.page.locator("#entries")).to_contain_text("for division OMAHA")

    def test_a_wrong_password_does_not_get_in(self):
        name, _ = self.stack.operator()
        self.open("", (name, "not-the-password-1A!"))
        expect(self.page.locator("input[name=password]")).to_be_visible()
        expect(self.page.locator("#filters")).to_have_count(0)

    def test_tokens_are_kept_in_memory_alone(self):
        self.open("?division=DAYTON")
        expect(self.page.locator("#load")).to_be_visible()
        kept = self.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
        self.assertNotIn("eyJ", kept)
        self.assertNotIn("code=", self.page.url)

    def test_an_expired_token_is_renewed_without_a_word(self):
        self.open("?division=DAYTON")
        # During the redirect from the hosted page a call may bypass the route.
        expect(self.page.locator("#load")).to_be_enabled()
        refused = []

        def refuse_once(route):
            if refused:
                return route.continue_()
            refused.append(route.request.url)
            return route.fulfill(status=401, content_type="application/problem+json", body='{"status":401,"title":"Unauthorized"}')

        self.page.route("**/v1/counts*", refuse_once)
        self.page.locator("#load").click()
        expect(self.page.locator("#count-total")).to_have_text("1,068")
        self.assertEqual(len(refused), 1)

    def test_an_ended_session_offers_to_sign_in_again_and_comes_back_to_the_same_view(self):
        self.open("?division=DAYTON&withBalanceDue=true")
        self.page.locator("#load").click()
        expect(self.page.locator("#willEmail")).to_be_visible()
        refusal = {"status": 400, "content_type": "application/json", "body": '{"error":"invalid_grant"}'}
        self.page.route("**/oauth2/token", lambda route: route.fulfill(**refusal))
        self.page.route(
            "**/v1/**",
            lambda route: route.fulfill(status=401, content_type="application/problem+json", body='{"status":401,"title":"Unauthorized"}'),
        )
        self.page.locator("#load").click()
        again = self.page.locator("#sign-in-again")
        expect(again).to_be_visible()
        self.assert_accessible("session ended")
        self.page.unroute_all(behavior="wait")
        again.click()
        self.sign_in()
        expect(self.page.locator("#division")).to_have_value("DAYTON")
        expect(self.page.locator("#withBalanceDue")).to_be_checked()

    def test_signing_out_ends_at_a_page_that_offers_to_sign_in(self):
        self.open("?division=DAYTON")
        self.page.locator("#sign-out").click()
        expect(self.page.locator("#sign-in")).to_be_visible()
        self.assert_accessible("signed out")
        self.page.locator("#sign-in").click()
        expect(self.page.locator("input[name=password]")).to_be_visible()

    def test_a_reload_needs_no_password_within_the_session_and_back_still_works(self):
        self.open("?division=DAYTON")
        expect(self.page.locator("#load")).to_be_enabled()
        self.page.locator("header nav").get_by_role("link", name="Templates").click()
        expect(self.page.locator("#templates tbody tr")).not_to_have_count(0)
        forms = []
        self.page.on("request", lambda request: forms.append(request.url) if request.method == "POST" and "/login" in request.url else None)
        for _ in range(2):
            self.page.reload()
            expect(self.page.locator("#templates tbody tr")).not_to_have_count(0)
            expect(self.page).to_have_url(re.compile(r"division=DAYTON#/templates$"))
        self.page.go_back()
        expect(self.page.locator("#division")).to_have_value("DAYTON")
        self.assertEqual(forms, [])

    def test_a_pool_that_refuses_is_not_asked_again_and_again(self):
        self.open("?division=DAYTON")
        expect(self.page.locator("#load")).to_be_enabled()
        asked = []
        self.page.on("request", lambda request: asked.append(request.url) if "/oauth2/authorize" in request.url else None)
        self.page.route(
            "**/oauth2/token", lambda route: route.fulfill(status=400, content_type="application/json", body='{"error":"invalid_grant"}')
        )
        self.page.reload()
        expect(self.page.locator("#signed-out")).to_contain_text("The sign-in did not succeed")
        self.assertEqual(len(asked), 1)

    def test_a_network_that_fails_says_so_and_keeps_everything(self):
        self.open("?division=DAYTON&billGroup=QUARTERLY")
        expect(self.page.locator("#load")).to_be_enabled()
        self.page.route("**/v1/counts*", lambda route: route.abort())
        self.page.locator("#load").click()
        problem = self.page.locator("#load-problem")
        expect(problem).to_contain_text("again")
        self.page.unroute_all(behavior="wait")
        problem.get_by_role("button").click()
        expect(self.page.locator("#willEmail")).to_be_visible()
        expect(self.page.locator("#billGroup")).to_have_value("QUARTERLY")


if __name__ == "__main__":
    unittest.main()
