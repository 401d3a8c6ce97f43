"""The import keeps an account's lines in order, retries transient failures, and tells which lines were refused."""

import contextlib
import http.server
import io
import json
import os
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import api
import commands
from importing import ACCOUNTS_PER_CALL, import_folder
from steps import Failure


class Server:
    """Answers like the directory function, after the statuses in `failures`."""

    def __init__(self, failures=()):
        self.calls, self.puts, self.failures, self.lock = [], 0, list(failures), threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self):
                with outer.lock:
                    outer.puts += 1
                self.reply(204, None)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                with outer.lock:
                    if outer.failures:
                        self.reply(outer.failures.pop(0), {"title": "later"})
                        return
                    accounts = [json.loads(line) for line in body.splitlines()]
                    outer.calls.append(accounts)
                    late = [index for index, account in enumerate(accounts) if account.get("late", 0) > len(outer.calls) - 1]
                results = [
                    {"index": index, "accountId": account["accountId"], "errors": [{"field": "balanceDue", "message": "is no amount"}]}
                    for index, account in enumerate(accounts)
                    if account.get("bad")
                ]
                results += [
                    {
                        "index": index,
                        "accountId": account["accountId"],
                        "errors": [],
                        "warnings": [{"field": "name", "message": "was cleaned"}],
                    }
                    for index, account in enumerate(accounts)
                    if account.get("odd")
                ]
                results += [
                    {
                        "index": index,
                        "accountId": accounts[index]["accountId"],
                        "retry": True,
                        "errors": [{"field": "accountId", "message": "was not reached in time; post it again"}],
                    }
                    for index in late
                ]
                failed = sum(1 for result in results if result["errors"])
                self.reply(200, {"stored": len(accounts) - failed, "failed": failed, "results": results})

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
    def run_import(self, lines, failures=(), encode=lambda text: text.encode()):
        server = Server(failures)
        self.addCleanup(server.close)
        output = io.StringIO()
        with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
            folder = Path(name)
            (folder / "divisions.json").write_bytes(encode('[{"division": "D"}]'))
            lines = (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
            (folder / "accounts.ndjson").write_bytes(encode("\n".join(lines)))
            complete = import_folder(api.Api(server.url, api.given_token("token")), folder)
        return complete, server.calls, output.getvalue()

    def test_every_account_goes_once_in_calls_of_500_at_most(self):
        complete, calls, _ = self.run_import([{"accountId": f"A{n}"} for n in range(1201)])
        self.assertTrue(complete)
        self.assertLessEqual(max(map(len, calls)), ACCOUNTS_PER_CALL)
        self.assertEqual(sorted(account["accountId"] for call in calls for account in call), sorted(f"A{n}" for n in range(1201)))

    def test_the_lines_of_one_account_go_in_order_and_in_calls_of_their_own(self):
        lines = [{"accountId": "A", "line": number} for number in range(8)]
        _, calls, _ = self.run_import(
            [line for pair in zip(lines, [{"accountId": f"B{n}"} for n in range(8)], strict=True) for line in pair]
        )
        self.assertEqual([account["line"] for call in calls for account in call if account["accountId"] == "A"], list(range(8)))

    def test_a_refused_account_is_told_by_line_and_field(self):
        complete, _, output = self.run_import([{"accountId": "A"}, "", {"accountId": "B", "bad": True}, "{broken"])
        self.assertFalse(complete)
        self.assertIn("1 accounts stored, 2 refused", output)
        self.assertIn("line 3, account B: balanceDue: is no amount", output)
        self.assertIn("line 4", output)

    def test_a_byte_order_mark_is_skipped_before_divisions_and_before_any_line(self):
        complete, calls, _ = self.run_import(
            [{"accountId": "A"}, "\ufeff" + json.dumps({"accountId": "B"})], encode=lambda text: text.encode("utf-8-sig")
        )
        self.assertTrue(complete)
        self.assertEqual(calls, [[{"accountId": "A"}, {"accountId": "B"}]])

    def test_another_encoding_is_named_in_one_sentence_before_anything_is_sent(self):
        named = {
            "utf-16": "accounts.ndjson is UTF-16, not UTF-8$",
            "utf-16-le": "is UTF-16, not UTF-8$",
            "utf-16-be": "is UTF-16, not UTF-8$",
            "utf-32": "is UTF-32, not UTF-8$",
            "utf-32-be": "is UTF-32, not UTF-8$",
            "cp1252": r"is Windows-1252 \(or ISO 8859-1\), not UTF-8: its line 2 has the byte 0xE9$",
            "cp850": "is Windows-1252 .* its line 2 has the byte 0x82$",
        }
        for encoding, sentence in named.items():
            server = Server()
            self.addCleanup(server.close)
            with self.subTest(encoding), tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                (folder / "divisions.json").write_text('[{"division": "D"}]')
                # In UTF-16, U+0100 next to an ASCII letter gives two consecutive NULs.
                last = "eĀe" if encoding.startswith("utf") else "José"
                (folder / "accounts.ndjson").write_bytes(f'{{"accountId": "A"}}\n{{"accountId": "{last}"}}\n'.encode(encoding))
                with self.assertRaisesRegex(Failure, sentence):
                    import_folder(api.Api(server.url, api.given_token("token")), folder)
                self.assertEqual((server.calls, server.puts), ([], 0))
        with self.assertRaisesRegex(Failure, r"divisions\.json is UTF-16"):
            self.run_import([{"accountId": "A"}], encode=lambda text: text.encode("utf-16"))
        with self.assertRaisesRegex(Failure, r"U\+FFFD in line 2"):
            self.run_import([{"accountId": "A"}, {"accountId": "Jos\ufffd"}])

    def test_lines_of_one_account_go_in_order_however_its_id_is_written(self):
        ids = ["Zürich 1", "Zu\u0308rich  1", " Zürich\t1", "\ufeffZürich\u00a01", "Z\u200bürich 1"]
        _, calls, _ = self.run_import([{"accountId": account} for account in ids])
        self.assertEqual(calls, [[{"accountId": account}] for account in ids])

    def test_what_was_cleaned_is_told_by_line_and_field(self):
        complete, _, output = self.run_import([{"accountId": "A", "odd": True}] + [{"accountId": f"B{n}", "odd": True} for n in range(29)])
        self.assertTrue(complete)
        self.assertIn("30 accounts stored, 0 refused, 30 warnings", output)
        self.assertIn("warning: line 1, account A: name: was cleaned", output)
        self.assertIn("... and 10 more", output)

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


class MachineClient(unittest.TestCase):
    """An import as a machine client gets a token with its id and secret, at the endpoint that the API's page names, and
    renews it.
    """

    def serve(self, token_url="{url}/oauth2/token"):
        seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.reply(200, {"signIn": {"tokenUrl": token_url.format(url=url)}} if self.path == "/live/settings.json" else {})

            def do_PUT(self):
                self.read()
                # The first token is refused, as if it had expired.
                self.reply(401 if self.headers["Authorization"] == "Bearer token-1" else 200, {})

            def do_POST(self):
                body = self.read()
                self.reply(
                    200,
                    {"access_token": f"token-{len(seen)}"}
                    if self.path == "/oauth2/token"
                    else {"results": [], "stored": len(body.splitlines())},
                )

            def read(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                seen.append((self.command, self.path, self.headers["Authorization"]) + ((body,) if "token" in self.path else ()))
                return body

            def reply(self, status, body):
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return url + "/live", seen

    def test_gets_its_tokens_by_itself_and_calls_the_paths_for_machines(self):
        url, seen = self.serve()
        with mock.patch.dict(os.environ, {"PORTAL_CLIENT_ID": "id", "PORTAL_CLIENT_SECRET": "se+ret", "PORTAL_TOKEN": "an operator's"}):
            client = commands._given_api(url)
        with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            (Path(name) / "divisions.json").write_text('[{"division": "D"}]')
            (Path(name) / "accounts.ndjson").write_text('{"accountId": "A"}')
            self.assertTrue(import_folder(client, Path(name)))
        asks = ("POST", "/oauth2/token", "Basic aWQ6c2UlMkJyZXQ=", "grant_type=client_credentials")
        self.assertEqual(
            seen,
            [
                asks,
                ("PUT", "/live/v1/machine/divisions/D", "Bearer token-1"),
                asks,
                ("PUT", "/live/v1/machine/divisions/D", "Bearer token-3"),
                ("POST", "/live/v1/machine/accounts", "Bearer token-3"),
            ],
        )

    def test_sends_its_secret_to_no_address_without_https(self):
        url, seen = self.serve("http://elsewhere.example/oauth2/token")
        with self.assertRaisesRegex(Failure, "no https address"):
            api.Api(url, api.machine_of(url, "id", "secret"))
        self.assertEqual(seen, [])

    def test_without_anybody_named_it_says_what_to_do(self):
        with mock.patch.dict(os.environ, clear=True), self.assertRaisesRegex(Failure, "nobody is named"):
            commands._given_api("https://example.com")


if __name__ == "__main__":
    unittest.main()
