"""A password in a log is found in any spelling, and no output shows it."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import leaks
import logs
from instance import Instance
from steps import Failure

PASSWORD = "3479A-CDEFG-HJKMN-PQRTV-WXY34"
MAIL = f"Your temporary password:\n\n    {PASSWORD}\n\nhttps://invites.example.com/activate#division=X&password={PASSWORD}\n"
CHOSEN = "Never-Log-Me, a horse and a staple"


class Leaks(unittest.TestCase):
    def test_the_mail_tells_its_password_and_a_test_mail_has_none(self):
        self.assertEqual(leaks.issued([MAIL, MAIL.replace(PASSWORD, "XXXXX-XXXXX-XXXXX-XXXXX-XXXXX")]), {PASSWORD.replace("-", "")})

    def test_a_password_is_found_however_it_is_written(self):
        issued = leaks.issued([MAIL])
        for written in (PASSWORD, PASSWORD.lower(), PASSWORD.replace("-", ""), f"x{PASSWORD}x", CHOSEN):
            self.assertTrue(leaks.leaking(issued, f'{{"message":"refused","of":"{written}"}}'), written)

    def test_ids_and_what_is_merely_like_a_password_are_none(self):
        other = PASSWORD.replace("3479A", "3479C")
        self.assertFalse(leaks.leaking(leaks.issued([MAIL]), f"8c2bd48c-5d2c-4d0f-9d0c-2d2f4d9d6b11 01KAP5ZT00EXAMPKE00000000Z {other}"))


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.lines, self.mails = [(1, "deliver", "batch sent")], [MAIL]

    def check(self):
        """The output if the check passes, else the failure."""
        with (
            mock.patch.object(Instance, "folder", self.folder),
            mock.patch.object(logs, "read", lambda _: self.lines),
            mock.patch.object(leaks, "_texts", lambda _: self.mails),
            contextlib.redirect_stdout(io.StringIO()) as said,
        ):
            leaks.check(Instance("x"), "http://mailbox.invalid")
        return said.getvalue()

    def failure(self):
        with self.assertRaises(Failure) as raised:
            self.check()
        return f"{raised.exception.what} {raised.exception.advice} {raised.exception.detail}"

    def test_logs_without_passwords_pass(self):
        self.assertIn("none of 1 passwords", self.check())

    def test_every_leaking_log_is_named_and_no_password(self):
        self.lines += [(2, "activate", f"refused {PASSWORD}"), (3, "load", "8 rows")]
        (self.folder / "emulator.log").write_text(f'"newPassword": "{CHOSEN}"')
        (self.folder / "deploy.log").write_text("CREATE_COMPLETE")
        failure = self.failure()
        self.assertIn("log of: emulator.log, function activate", failure)
        for secret in (PASSWORD, CHOSEN, "3479A"):
            self.assertNotIn(secret, failure)

    def test_a_copy_of_an_earlier_runs_log_is_not_this_runs(self):
        (self.folder / "functions.log").write_text(CHOSEN)
        self.check()

    def test_a_check_that_sees_nothing_fails(self):
        self.lines = None
        self.assertIn("can't be read", self.failure())
        self.lines, self.mails = [], ["no password here"]
        self.assertIn("nothing was checked", self.failure())


class AllEvents(unittest.TestCase):
    def test_what_is_beyond_a_page_is_read_too_and_nothing_twice(self):
        # Two events per millisecond, so that a page ends within a millisecond.
        stored = [{"timestamp": (i + 1) // 2, "message": str(i)} for i in range(25)]
        client = mock.Mock()
        client.filter_log_events = lambda logGroupName, startTime: {
            "events": [event for event in stored if event["timestamp"] >= startTime][:6]
        }
        with mock.patch.object(logs, "PAGE", 6):
            self.assertEqual(list(logs.events(client, "/x/deliver")), stored)


if __name__ == "__main__":
    unittest.main()
