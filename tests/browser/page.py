"""The base of the page's tests: an operator's browser on the page of a running local cloud."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import time
import unittest
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path

import boto3
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / ".local" / "screenshots"
# Generous, since a slow machine must not fail a test: only a failing test waits this long.
PATIENCE_MS = 60_000
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 360, "height": 740}
# The windows and colour schemes in which axe-core finds nothing serious and nothing scrolls sideways.
LOOKS = ((None, "light"), (None, "dark"), (NARROW, "light"), (NARROW, "dark"))
# The impacts of axe-core's findings that fail a test.
SERIOUS = ("serious", "critical")

expect.set_options(timeout=PATIENCE_MS)


class Stack:
    """The running local cloud, as its stack file describes it."""

    def __init__(self) -> None:
        path = os.environ.get("PORTAL_STACK", str(ROOT / ".local" / "stack.json"))
        self.known = json.loads(Path(path).read_text(encoding="utf-8"))
        self.url = self.known["consoleUrl"]
        self._cognito = boto3.client(
            "cognito-idp",
            endpoint_url=self.known["awsEndpoint"],
            region_name=self.known["region"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def operator(self) -> tuple[str, str]:
        return self.known["operator"]["username"], self.known["operator"]["password"]

    def create_person(self, groups: tuple[str, ...] = ()) -> tuple[str, str]:
        """Creates a user in these groups; returns user name and password."""
        name, password = f"person-{uuid.uuid4().hex[:8]}", f"{uuid.uuid4()}-Aa1"
        pool = self.known["userPoolId"]
        self._cognito.admin_create_user(
            UserPoolId=pool,
            Username=name,
            MessageAction="SUPPRESS",
            TemporaryPassword=password,
            UserAttributes=[{"Name": "email", "Value": f"{name}@example.com"}, {"Name": "email_verified", "Value": "true"}],
        )
        self._cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password=password, Permanent=True)
        for group in groups:
            with contextlib.suppress(self._cognito.exceptions.GroupExistsException):
                self._cognito.create_group(UserPoolId=pool, GroupName=group)
            self._cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=group)
        return name, password

    def mails_to(self, *addresses: str) -> list[dict]:
        with contextlib.closing(urllib.request.urlopen(self.known["mailbox"], timeout=30)) as answer:
            mails = [mail for account in json.load(answer)["messages"].values() for mail in account]
        return [mail for mail in mails if mail["To"][0] in addresses]


@functools.cache
def running_stack() -> Stack:
    return Stack()


@functools.cache
def browser() -> Browser:
    """The one browser for all tests of a process: starting it takes about as long as most tests."""
    # Chromium starts as root, which containers and CI use, only without its sandbox.
    return (
        sync_playwright()
        .start()
        .chromium.launch(executable_path=os.environ.get("PORTAL_BROWSER", "/usr/bin/chromium"), chromium_sandbox=os.geteuid() != 0)
    )


class PageTest(unittest.TestCase):
    """A test with a browser window of its own, signed in to nothing yet.

    Tests run side by side, each by itself in one of several processes: fixtures of classes and modules do not run. What
    a test changes is its own. Of the sample customers all may read; only those of BOULDER are mailed, by one test.
    """

    viewport = WIDE
    colours = "light"

    def setUp(self) -> None:
        self.stack = running_stack()
        self.window = browser().new_context(
            viewport=self.viewport, color_scheme=self.colours, accept_downloads=True, locale="en-US", timezone_id="America/New_York"
        )
        self.addCleanup(self.close)
        self.page = self.new_page()

    def close(self) -> None:
        # A pending request would fail when the window closes, during the next test of this process.
        for page in self.window.pages:
            page.unroute_all(behavior="ignoreErrors")
        self.window.close()

    def new_page(self) -> Page:
        page = self.window.new_page()
        page.set_default_timeout(PATIENCE_MS)
        # Anything that the page's policy blocks or a script throws fails the test.
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self.complaints.append(message.text) if "Content Security Policy" in message.text else None)
        return page

    def tearDown(self) -> None:
        self.assertEqual(self.complaints, [], "the browser complained")

    def open(self, address: str = "", person: tuple[str, str] | None = None) -> None:
        """Opens the page at an address of its own, and signs in."""
        self.page.goto(self.stack.url + address)
        self.sign_in(person)

    def sign_in(self, person: tuple[str, str] | None = None) -> None:
        """Fills in the user pool's sign-in page, unless the pool still knows this window's person. The sign-in page
        must be shown or about to be.
        """
        name, password = person or self.stack.operator()
        self.page.locator("input[name=username], #sign-out, #sign-in").first.wait_for()
        if self.page.locator("input[name=username]").count() == 0:
            return
        self.page.locator("input[name=username]").fill(name)
        self.page.locator("input[name=password]").fill(password)
        self.page.locator("input[name=password]").press("Enter")

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Waits for a condition that no locator can express."""
        deadline = time.monotonic() + PATIENCE_MS / 1_000
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            self.page.wait_for_timeout(50)

    def list_campaigns_of(self, division: str) -> None:
        """Removes the campaigns of other tests from the list, which would come first."""
        self.page.route(
            re.compile(r"/v1/campaigns\??$"),
            lambda route: route.continue_(url=f"{route.request.url.removesuffix('?')}?division={division}"),
        )

    def assert_accessible(self, view: str) -> None:
        """Asserts that axe-core finds nothing serious on the screen."""
        # axe-core runs in an isolated world, so the page's policy need not allow it.
        results = Axe().run(self.page, options={"resultTypes": ["violations"]})
        serious = [
            f"{fault['id']}: {fault['help']} ({', '.join(str(node['target']) for node in fault['nodes'][:3])})"
            for fault in results.response["violations"]
            if fault["impact"] in SERIOUS
        ]
        self.assertEqual(serious, [], view)

    def assert_fits(self, view: str) -> None:
        """Asserts that the page does not scroll sideways."""
        overflow = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.assertLessEqual(overflow, 0, f"{view} is wider than the window")

    def check_looks(self, view: str) -> None:
        """Checks the view in both colour schemes, and in the widest and narrowest window that the page promises to
        support."""
        wide = self.page.viewport_size
        for size, colours in LOOKS:
            self.page.set_viewport_size(size or wide)
            self.page.emulate_media(color_scheme=colours)
            self.assert_fits(view)
            self.assert_accessible(f"{view}, {colours}, {(size or wide)['width']} px")
        self.page.set_viewport_size(wide)
        self.page.emulate_media(color_scheme="light")

    def picture(self, name: str, *, whole: bool = False) -> None:
        """Saves a picture of the window or of the whole page. The pictures in docs/ are copies."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)
