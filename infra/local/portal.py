#!/usr/bin/env python3
"""The project's commands, which the Makefile calls. Checks the machine, makes the venv, and continues inside it."""

from __future__ import annotations

import argparse
import os
import signal
import sys

import page_checks
import steps
import toolchain

COMMANDS = {
    "tools": "install the pinned tools",
    "up": "start the local cloud and deploy to it",
    "down": "end the local cloud",
    "logs": "write what the functions logged into a file",
    "run": "up, with sample customers and the main job as a demonstration",
    "sample": "write the sample customers into a folder",
    "import": "import a folder of customers",
    "test": "run all tests against a local cloud of their own",
    "invoke": "run one function on an event in SAM's container (needs Docker)",
    "bench": "measure import, Load and send on a local cloud of its own",
    "validate": "check the templates",
    "lint-page": "check the page's scripts (tsc, ESLint)",
    "audit": "look for known faults of the crates and Python packages",
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="portal.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--instance", default="", help="which local cloud of this clone (default: the one of `make up`)")
        if name in ("up", "run"):
            command.add_argument("--ses-rate", default="", help="e-mails a second (default: what the local SES grants, 14)")
            command.add_argument("--ses-quota", default="", help="e-mails in 24 hours (default: what the local SES grants, 50,000)")
        if name in ("import", "sample"):
            command.add_argument("folder", help="folder with divisions.json and accounts.ndjson")
        if name == "import":
            command.add_argument(
                "--api-url",
                help="API to import into, without /v1 (default: the local cloud's); who calls "
                "is taken from the variables PORTAL_CLIENT_ID and PORTAL_CLIENT_SECRET, or PORTAL_TOKEN",
            )
        if name == "invoke":
            command.add_argument("function", help="its name in template.yaml, such as LoadFunction")
            command.add_argument("event", help="file with the event, such as events/load-counts.json")
            command.add_argument("--args", default="", help="further options of sam local invoke, such as --skip-pull-image")
        if name == "bench":
            command.add_argument("folder", nargs="?", help="customers to measure with (default: the sample customers)")
            command.add_argument("--division", help="division to Load and send (default: the largest)")
    return parser.parse_args()


def ended(signal_number: int, _frame: object) -> None:
    # Treated like Ctrl-C, so that everything that was started is ended.
    raise KeyboardInterrupt(signal.Signals(signal_number).name)


def main() -> int:
    options = arguments()
    # SIGINT is set explicitly, since it is ignored in background jobs of a script. SIGHUP is not if nohup asked to
    # ignore it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ended)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, ended)
    try:
        toolchain.check()
        python = toolchain.ensure_venv()
        if sys.prefix != str(toolchain.VENV):
            os.execv(python, [str(python), *sys.argv])
        if options.command == "tools":
            page_checks.ensure_tools()
            return 0
        # Only the venv contains the packages that this imports.
        import commands

        return commands.run(options)
    except steps.Failure as failure:
        steps.report(failure)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
