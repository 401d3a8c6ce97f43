"""`make audit` passes only if everything was checked and nothing found. Without a network it says so in one line."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import auditing
from steps import Failure


class Auditing(unittest.TestCase):
    def audit(self, codes):
        """Audits with tools that exit with these codes (fetch, check, pip-audit; 0 if not given), and returns their
        names in the order in which they ran.
        """
        ran = []

        def tool(command, *, log=None, **_):
            name = "fetch" if "fetch" in command else "check" if "check" in command else "pip-audit"
            ran.append(name)
            if log:
                log.write_text("a warning\nfatal: no net\n")
            return codes.get(name, 0)

        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.object(auditing, "run_tool", tool),
            mock.patch.object(auditing.environment, "for_tools", lambda *_: {}),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            try:
                code, failure = auditing.audit(mock.Mock(folder=Path(folder))), None
            except Failure as error:
                code, failure = 1, error
        return code, failure, ran

    def test_passes_if_all_was_looked_at(self):
        self.assertEqual(self.audit({}), (0, None, ["fetch", "check", "pip-audit"]))

    def test_an_unfetched_database_is_reported_and_packages_are_checked_all_the_same(self):
        _, failure, ran = self.audit({"fetch": 1})
        self.assertEqual(ran, ["fetch", "pip-audit"])
        self.assertRegex(failure.what, r"^the database of advisories about crates .* could not be fetched: fatal: no net$")
        self.assertEqual(failure.detail, "")

    def test_every_finding_fails(self):
        self.assertIn("crates", self.audit({"check": 1})[1].what)
        self.assertIn("Python", self.audit({"pip-audit": 1})[1].what)


if __name__ == "__main__":
    unittest.main()
