"""Builds the functions with `sam build`, for the processor of this machine."""

from __future__ import annotations

import platform
from pathlib import Path

import environment
from instance import Instance
from processes import run_tool
from steps import Failure, step
from toolchain import ROOT, VENV

TEMPLATE = ROOT / "template.yaml"


def architecture() -> str:
    """This machine's processor, as a value of the template's parameter Architecture."""
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


def build(instance: Instance, *, optimised: bool = False) -> Path:
    """Builds the functions, and returns the template for `sam deploy`.

    They are compiled like the tests, so that no dependency is compiled twice, or `optimised`, as for AWS.

    `sam build` calls cargo for one function after the other and hides its output. So cargo first builds all of them at
    once and visibly; `sam build` then only copies the fresh binaries.
    """
    tools = environment.for_tools(instance, "http://127.0.0.1:9") | ({} if optimised else {"SAM_BUILD_MODE": "debug"})
    options = [*(["--release"] if optimised else []), *(["--arm64"] if architecture() == "arm64" else [])]
    with step("Compiling the functions (cargo lambda build; minutes the first time, seconds later)"):
        if run_tool(["cargo", "lambda", "build", "--bins", *options], environment=tools, folder=ROOT) != 0:
            raise Failure("the functions do not compile", "mend what the compiler says above and run the command again.")
    log = instance.folder / "build.log"
    log.unlink(missing_ok=True)
    with step("Packing them (sam build)"):
        command = [
            str(VENV / "bin" / "sam"),
            "build",
            "--template-file",
            str(TEMPLATE),
            "--build-dir",
            str(instance.build_folder),
            "--parameter-overrides",
            f"Architecture={architecture()}",
        ]
        if run_tool(command, environment=tools, folder=ROOT, log=log) != 0:
            raise Failure("sam build failed", f"its output is in {log}.", log.read_text(errors="replace"))
    return instance.build_folder / "template.yaml"
