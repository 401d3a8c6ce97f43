"""The checks of the page's scripts: types (tsc) and ESLint. Only they need Node; no build does."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess

from steps import Failure, say, step
from toolchain import ROOT, VENV

FOLDER = ROOT / "functions" / "console"
LOCK = FOLDER / "package-lock.json"
MARKER = FOLDER / "node_modules" / "package-lock.sha256"
CHECKS = (
    ("Types of the page's scripts", ["tsc", "--project", "jsconfig.json"]),
    ("Lints of the page's scripts", ["eslint", "--max-warnings", "0", "."]),
)


def ensure_tools() -> None:
    """Installs exactly the packages of the lock file, verified by hash, if it has changed."""
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if MARKER.exists() and MARKER.read_text(encoding="utf-8") == wanted:
        return
    with step("Installing the tools that check the page (npm ci)"):
        installed = _run([str(VENV / "bin" / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        if installed.returncode != 0:
            shutil.rmtree(MARKER.parent, ignore_errors=True)
            raise Failure(
                "npm could not install the tools that check the page",
                "look at npm's message above; most often the network or a proxy is in the way. Then run the command again.",
                installed.stdout + installed.stderr,
            )
        MARKER.write_text(wanted, encoding="utf-8")


def check() -> int:
    """Prints the faults of all checks, and fails if there are any."""
    ensure_tools()
    failed = False
    for title, (tool, *options) in CHECKS:
        with step(title):
            checked = _run([str(FOLDER / "node_modules" / ".bin" / tool), *options])
            failed |= checked.returncode != 0
            if output := (checked.stdout + checked.stderr).rstrip():
                say(output)
    if failed:
        raise Failure("the page's scripts have faults", "mend what stands above.")
    return 0


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    # The venv comes first in PATH, where npm and the tools look for Node.
    environment = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    return subprocess.run(command, cwd=FOLDER, env=environment, capture_output=True, text=True, check=False)
