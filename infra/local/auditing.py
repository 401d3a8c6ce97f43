"""`make audit`: checks the pinned crates and Python packages for known vulnerabilities.

It asks the databases each time, so it needs the network, and its result may change although the project has not. That
is why it is not part of .ci/run.
"""

from __future__ import annotations

from pathlib import Path

import environment
from instance import Instance
from processes import run_tool
from steps import Failure, step
from toolchain import REQUIREMENTS, ROOT, VENV


def audit(instance: Instance) -> int:
    """Checks both even if the first fails. The crates come first, since only they are deployed."""
    instance.make_folders()
    faults = []
    for look in (_crates, _python_packages):
        try:
            look(instance)
        except Failure as failure:
            faults.append(failure)
    if faults:
        raise Failure("; ".join(fault.what for fault in faults), " ".join(dict.fromkeys(fault.advice for fault in faults)))
    return 0


def _crates(instance: Instance) -> None:
    deny = ["cargo", "deny", "--locked"]
    with step("Fetching the advisories about crates (RustSec)"):
        fetched, said = _run(instance, [*deny, "fetch", "db"])
        if fetched != 0:
            raise Failure(
                f"the database of advisories about crates (github.com/RustSec/advisory-db) could not be fetched: {said}",
                "See that git gets through to it, then run the command again.",
            )
    with step("Checking the crates against them (cargo deny)"):
        if _show(instance, [*deny, "check", "advisories"]) != 0:
            raise Failure("there are advisories about crates", "Mend what stands above, or say in deny.toml why it does not matter here.")


def _python_packages(instance: Instance) -> None:
    with step("Checking the Python packages, which are tools and tests alone (pip-audit, which asks PyPI)"):
        # Strict: a package that could not be checked is a failure.
        command = [
            str(VENV / "bin" / "pip-audit"),
            "--strict",
            "--progress-spinner",
            "off",
            "--require-hashes",
            "--disable-pip",
            "--requirement",
            str(REQUIREMENTS),
        ]
        if _show(instance, command) != 0:
            raise Failure("Python packages have known faults, or could not be checked", "See above.")


def _show(instance: Instance, command: list[str]) -> int:
    return run_tool(command, environment=environment.for_tools(instance, "http://127.0.0.1:9"), folder=ROOT)


def _run(instance: Instance, command: list[str]) -> tuple[int, str]:
    """The exit code, and the last line of the tool's output."""
    log: Path = instance.folder / "audit.log"
    log.unlink(missing_ok=True)
    code = run_tool(command, environment=environment.for_tools(instance, "http://127.0.0.1:9"), folder=ROOT, log=log)
    said = log.read_text(errors="replace").strip().splitlines()
    return code, said[-1] if said else "it said nothing"
