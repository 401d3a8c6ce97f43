"""The commands, each as the sequence of its steps."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import auditing
import bench
import building
import deploying
import emulator
import environment
import invoking
import leaks
import logs
import main_job
import page_checks
import sample_customers
import stack
import toolchain
from api import Api, given_token, machine_of, operator_of
from deploying import UNHURRIED, Pace
from importing import import_folder
from instance import Instance
from processes import run_tool, tool_beside
from steps import Failure, duration, say, step
from toolchain import ROOT, VENV

# The tests of the page mostly wait for the system. More processes make them no faster, and each has a browser.
BROWSERS_PER_PROCESSOR = 2
MOST_BROWSERS = 8


def run(options: argparse.Namespace) -> int:
    instance = Instance(options.instance)
    match options.command:
        case "up":
            return up(instance, Pace(options.ses_rate, options.ses_quota))
        case "down":
            return down(instance)
        case "logs":
            return save_logs(instance)
        case "run":
            return demonstration(instance, Pace(options.ses_rate, options.ses_quota))
        case "sample":
            return sample(Path(options.folder))
        case "import":
            return import_customers(instance, Path(options.folder), options.api_url)
        case "test":
            return test()
        case "invoke":
            return invoking.invoke(instance, options.function, Path(options.event), options.args)
        case "bench":
            return benchmark(options.folder and Path(options.folder), options.division)
        case "validate":
            return validate(instance)
        case "lint-page":
            return page_checks.check()
        case "audit":
            return auditing.audit(instance)
    raise AssertionError(options.command)


def up(instance: Instance, pace: Pace) -> int:
    started = time.monotonic()
    with instance.locked():
        known = bring_up(instance, pace)
    say(f"\nThe local cloud is up after {duration(time.monotonic() - started)}.")
    where(instance, known)
    say(f"End it with `make down{instance.hint}`.")
    return 0


def bring_up(instance: Instance, pace: Pace, *, optimised: bool = False, **ways: bool) -> dict:
    """Builds, starts the emulator unless it runs, and deploys. A failure leaves a running local cloud up."""
    template = building.build(instance, optimised=optimised)
    endpoint = emulator.running(instance)
    if endpoint:
        say(f"» The local cloud is up already ({endpoint}): deploying what changed")
        return _deploy(instance, endpoint, template, pace)
    try:
        return _deploy(instance, emulator.start(instance, **ways), template, pace)
    except BaseException:
        emulator.stop(instance)
        raise


def _deploy(instance: Instance, endpoint: str, template: Path, pace: Pace) -> dict:
    deploying.deploy(instance, endpoint, template, pace)
    return stack.prepare(instance, endpoint)


@contextlib.contextmanager
def ending(instance: Instance) -> Iterator[None]:
    """Ends the local cloud after the block in any case. If the block failed, the functions' log is kept."""
    try:
        yield
    except Failure:
        if file := logs.save(instance):
            say(f"  what the functions logged: {file}")
        raise
    finally:
        with step("Ending the local cloud"):
            emulator.stop(instance)


def save_logs(instance: Instance) -> int:
    if (file := logs.save(instance)) is None:
        raise Failure("the local cloud is not up", f"run `make up{instance.hint}` first.")
    say(f"What the functions logged so far: {file}")
    return 0


def where(instance: Instance, known: dict) -> None:
    operator = known["operator"]
    say(
        f"  Page      {known['consoleUrl']}\n  Sign in   as {operator['username']} with the password {operator['password']}\n"
        f"  API       {known['apiUrl']}/v1\n  Mailbox   {known['mailbox']}\n  (all of it is in {instance.stack_file})"
    )


def down(instance: Instance) -> int:
    with instance.locked(), step("Ending the local cloud"):
        if not emulator.stop(instance):
            say("  it was not up")
    return 0


def sample(folder: Path) -> int:
    with step(f"Writing the sample customers into {folder}"):
        say("  " + sample_customers.describe(sample_customers.write(folder)))
    return 0


def import_customers(instance: Instance, folder: Path, api_url: str | None) -> int:
    if api_url:
        api = _given_api(api_url)
    else:
        known = instance.read_stack()
        api = Api(known["apiUrl"], operator_of(known))
    with step(f"Importing {folder}"):
        complete = import_folder(api, folder)
    return 0 if complete else 1


def _given_api(api_url: str) -> Api:
    """A client of another API, signed in as the environment says: as a machine client, whose token is renewed, or with
    an operator's token.
    """
    machine = os.environ.get("PORTAL_CLIENT_ID"), os.environ.get("PORTAL_CLIENT_SECRET")
    if all(machine):
        return Api(api_url, machine_of(api_url, *machine), base="/v1/machine")
    if token := os.environ.get("PORTAL_TOKEN"):
        return Api(api_url, given_token(token))
    raise Failure(
        "nobody is named who may call that API",
        "put a machine client's id and secret into PORTAL_CLIENT_ID and PORTAL_CLIENT_SECRET, "
        "or an ID token of an operator in the group `directory` into PORTAL_TOKEN.",
    )


def demonstration(instance: Instance, pace: Pace) -> int:
    """Starts the local cloud, runs the main job, and keeps it up until Ctrl-C. Nothing stays running afterwards."""
    with ending(instance):
        with instance.locked():
            known = bring_up(instance, pace, enforced=True)
            api = Api(known["apiUrl"], operator_of(known))
            main_job.demonstrate(api, known, import_sample(instance, api)[main_job.DIVISION])
        say("\nThe local cloud stays up until Ctrl-C.")
        where(instance, known)
        with contextlib.suppress(KeyboardInterrupt):
            while emulator.alive(instance):
                time.sleep(1)
            say("The local cloud was ended from elsewhere.")
    return 0


def import_sample(instance: Instance, api: Api) -> dict[str, str]:
    """Imports the sample customers and returns each division's sender."""
    folder = instance.folder / "sample"
    sample(folder)
    with step("Importing the sample customers"):
        if not import_folder(api, folder):
            raise Failure("the sample customers were not imported whole", "see above, and what the functions logged.")
    return {row["division"]: row["email"] for row in json.loads((folder / "divisions.json").read_text(encoding="utf-8"))}


def test() -> int:
    """All tests, against local clouds of their own, which end with them.

    The tests of the functions run beside those of the page: each wait much, and not for each other. Those that need a
    local cloud, and are ignored by `cargo test` alone, wait for a schedule most of the time.
    """
    held, free = Instance("test"), Instance("test-functions")
    browser = toolchain.ensure_browser()
    with held.locked(), free.locked(), ending(held), ending(free):
        emulator.stop(held)
        emulator.stop(free)
        template = building.build(held)
        used = free.folder / "grants-used"
        shutil.rmtree(used, ignore_errors=True)
        used.mkdir(parents=True)
        noted = {"GRANTS_USED": str(used)}
        with _rust_tests(free, noted) as functions_passed:
            say("A local cloud for the main job and the page, with every function held to its role's policy ...")
            held_stack = _deploy(held, emulator.start(held, enforced=True), template, UNHURRIED)
            say("... and one for the tests of the functions, which have begun.")
            free_stack = _deploy(free, emulator.start(free), template, UNHURRIED)
            deployed = ["--test", "deployed", "--test", "cloud", "--", "--ignored"]
            with _rust_tests(free, {"PORTAL_STACK": str(free.stack_file)}, deployed) as deployed_passed:
                _test_page(held, held_stack, browser)
                deployed_passed()
            functions_passed()
        _test_contract(free)
        with _rust_tests(free, noted, ["--test", "security", "--", "--ignored"]) as grants_are_used:
            grants_are_used()
        _no_password_logged(held, held_stack)
        _no_password_logged(free, free_stack)
    return 0


def _test_page(instance: Instance, known: dict, browser: str) -> None:
    tools = environment.for_tools(instance, known["awsEndpoint"]) | {"PORTAL_STACK": str(instance.stack_file)}
    with step("Tests of the local cloud's scripts"):
        _must_pass(run_tool(_unittests("infra/local/tests"), environment=tools, folder=ROOT))
    api = Api(known["apiUrl"], operator_of(known))
    senders = import_sample(instance, api)
    with step("Tests of the page, in a browser"):
        _must_pass(run_tool(_page_tests(), environment=tools | {"PORTAL_BROWSER": browser}, folder=ROOT))
    _check_main_job(*main_job.demonstrate(api, known, senders[main_job.DIVISION]))


def _test_contract(instance: Instance) -> None:
    tools = environment.for_tools(instance, "http://127.0.0.1:9")
    with step("The API against its description, docs/openapi.json (schemathesis)"):
        _must_pass(run_tool(_unittests("tests/contract"), environment=tools, folder=ROOT))


@contextlib.contextmanager
def _rust_tests(instance: Instance, variables: dict[str, str], options: list[str] | None = None) -> Iterator[Callable[[], None]]:
    """Starts all Rust tests, or with `options` of `cargo test` some; the block is given what waits for their end and
    shows what they said.

    The documentation has no examples, so none are looked for: that compiles every crate anew to find nothing.
    """
    if options:
        command = ["cargo", "test", "--locked", "--workspace", *options]
    else:
        command = [sys.executable, str(ROOT / "infra" / "local" / "rust_tests.py")]
    tools = environment.for_tools(instance, "http://127.0.0.1:9") | variables
    log = instance.folder / f"{'-'.join(['rust-tests', *(options or [])[1:2]])}.log"
    log.unlink(missing_ok=True)
    with tool_beside(command, environment=tools, folder=ROOT, log=log) as tests:

        def passed() -> None:
            with step(" ".join(["Rust tests", *(options or [])])):
                code = tests.wait()
                say(log.read_text(errors="replace"))
                _must_pass(code)

        yield passed


def _no_password_logged(instance: Instance, known: dict) -> None:
    with step("Looking for passwords in all logs of this local cloud"):
        leaks.check(instance, known["mailbox"])


def _check_main_job(counts: dict, outcomes: dict) -> None:
    wanted = sample_customers.DAYTON_COUNTS
    screen = (wanted.total, wanted.active_services, wanted.accepted, wanted.pending, wanted.not_sent)
    if tuple(counts[name] for name, _ in main_job.HEADINGS) != screen:
        raise Failure(f"Load answers {counts} for {main_job.DIVISION}, not {screen}", "see what the functions directory and load did.")
    if {outcome: count for outcome, count in outcomes.items() if count} != {"sent": wanted.pending + wanted.not_sent}:
        raise Failure(f"the campaign ended with {outcomes}", "see what the functions logged.")


def benchmark(folder: Path | None, division: str | None) -> int:
    instance = Instance("bench")
    with instance.locked(), ending(instance):
        emulator.stop(instance)
        known = bring_up(instance, UNHURRIED, optimised=True, metered=True)
        if folder is None:
            folder = instance.folder / "sample"
            sample(folder)
        bench.measure(instance, known, folder, division)
    return 0


def _unittests(folder: str) -> list[str]:
    return [str(VENV / "bin" / "python"), "-m", "unittest", "discover", "--start-directory", folder]


def _page_tests() -> list[str]:
    at_once = min(BROWSERS_PER_PROCESSOR * (os.cpu_count() or 1), MOST_BROWSERS)
    return [
        str(VENV / "bin" / "python"),
        "-m",
        "unittest_parallel",
        "--level",
        "test",
        "--jobs",
        str(at_once),
        "--start-directory",
        "tests/browser",
    ]


def _must_pass(code: int) -> None:
    if code != 0:
        raise Failure("tests failed", "see above, and what the functions logged.")


def validate(instance: Instance) -> int:
    instance.make_folders()
    tools = environment.for_tools(instance, "http://127.0.0.1:9")
    for template in (building.TEMPLATE, *sorted((ROOT / "infra").glob("*.yaml"))):
        with step(f"Checking {template.relative_to(ROOT)}"):
            command = [str(VENV / "bin" / "sam"), "validate", "--lint", "--template-file", str(template)]
            if run_tool(command, environment=tools, folder=ROOT) != 0:
                raise Failure(f"{template.relative_to(ROOT)} is not valid", "mend what stands above.")
    return 0
