"""The import keeps an account's lines in order, goes on after what passes, and tells what was refused where."""

import contextlib
import http.server
import io
import json
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import api
from importing import ACCOUNTS_PER_CALL, import_folder
from steps import Failure


class Server:
    """Answers like the directory function; `failures` statuses come first."""

    def __init__(self, failures=()):
        self.calls, self.failures, self.lock = [], list(failures), threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self):
                self.reply(204, None)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                with outer.lock:
                    if outer.failures:
                        return self.reply(outer.failures.pop(0), {"title": "later"})
                    accounts = [json.loads(line) for line in body.splitlines()]
                    outer.calls.append(accounts)
                    late = [index for index, account in enumerate(accounts) if account.get("late", 0) > len(outer.calls) - 1]
                results = [{"index": index, "accountId": account["accountId"], "errors": [{"field": "balanceDue", "message": "is no amount"}]}
                           for index, account in enumerate(accounts) if account.get("bad")]
                results += [{"index": index, "accountId": accounts[index]["accountId"], "retry": True,
                             "errors": [{"field": "accountId", "message": "was not reached in time; post it again"}]} for index in late]
                self.reply(200, {"stored": len(accounts) - len(results), "failed": len(results), "results": results})

            def reply(self, status, body):
                if self.command == "PUT":
                    self.rfile.read(int(self.headers["Content-Length"]))
                text = json.dumps(body).encode() if body is not None else b""
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Importing(unittest.TestCase):
    def run_import(self, lines, failures=()):
        server = Server(failures)
        self.addCleanup(server.close)
        output = io.StringIO()
        with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
            folder = Path(name)
            (folder / "divisions.json").write_text('[{"division": "D"}]')
            (folder / "accounts.ndjson").write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
            complete = import_folder(api.Api(server.url, api.given_token("token")), folder)
        return complete, server.calls, output.getvalue()

    def test_every_account_goes_once_in_calls_of_500_at_most(self):
        complete, calls, _ = self.run_import([{"accountId": f"A{n}"} for n in range(1201)])
        self.assertTrue(complete)
        self.assertLessEqual(max(map(len, calls)), ACCOUNTS_PER_CALL)
        self.assertEqual(sorted(account["accountId"] for call in calls for account in call), sorted(f"A{n}" for n in range(1201)))

    def test_the_lines_of_one_account_go_in_order_and_in_calls_of_their_own(self):
        lines = [{"accountId": "A", "line": number} for number in range(8)]
        _, calls, _ = self.run_import([line for pair in zip(lines, [{"accountId": f"B{n}"} for n in range(8)]) for line in pair])
        self.assertEqual([account["line"] for call in calls for account in call if account["accountId"] == "A"], list(range(8)))

    def test_a_refused_account_is_told_by_line_and_field(self):
        complete, _, output = self.run_import([{"accountId": "A"}, "", {"accountId": "B", "bad": True}, "{broken"])
        self.assertFalse(complete)
        self.assertIn("1 accounts stored, 2 refused", output)
        self.assertIn("line 3, account B: balanceDue: is no amount", output)
        self.assertIn("line 4", output)

    def test_an_account_that_was_not_reached_is_posted_again_before_its_next_line(self):
        complete, calls, output = self.run_import([{"accountId": "A"}, {"accountId": "B", "late": 2}, {"accountId": "B", "line": 2}])
        self.assertTrue(complete)
        self.assertIn("3 accounts stored, 0 refused", output)
        self.assertEqual(calls[1:], [[{"accountId": "B", "late": 2}]] * 2 + [[{"accountId": "B", "line": 2}]])

    def test_an_account_that_is_never_reached_is_refused(self):
        complete, calls, output = self.run_import([{"accountId": "A", "late": 100}])
        self.assertFalse(complete)
        self.assertEqual(len(calls), 5)
        self.assertIn("line 1, account A: accountId: was not reached in time", output)

    def test_throttles_and_failures_of_the_server_are_waited_out(self):
        complete, calls, _ = self.run_import([{"accountId": "A"}], failures=[429, 503])
        self.assertTrue(complete)
        self.assertEqual(len(calls), 1)

    def test_a_token_that_is_not_accepted_says_what_to_do(self):
        with self.assertRaisesRegex(Failure, "token"):
            self.run_import([{"accountId": "A"}], failures=[401, 401])


if __name__ == "__main__":
    unittest.main()
