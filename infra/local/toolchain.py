"""Checks what the machine must have (cargo, cc, python3 with venv), and makes the venv with everything else.

Uses the standard library only, since this runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from steps import Failure, step

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
REQUIREMENTS = Path(__file__).resolve().with_name("requirements.txt")
MARKER = VENV / "requirements.sha256"
OLDEST_PYTHON = (3, 11)


def check() -> None:
    """Fails with everything that is missing."""
    missing = []
    if platform.system() != "Linux":
        missing.append("Linux: the local cloud runs the functions' Linux binaries natively (on other systems use a virtual machine)")
    if sys.version_info < OLDEST_PYTHON:
        missing.append(f"Python 3.11 or newer (this is {platform.python_version()})")
    if shutil.which("cc") is None:
        missing.append("a C compiler: `sudo apt install build-essential` on Debian and Ubuntu, `sudo dnf install gcc` on Fedora")
    missing += _rust_faults()
    if missing:
        raise Failure("this machine lacks what the project assumes", "install it and run the command again:\n  - " + "\n  - ".join(missing))


def _rust_faults() -> list[str]:
    advice = "install it from https://rustup.rs, then open a new shell"
    if shutil.which("cargo") is None:
        return [f"cargo, Rust's build tool: {advice}"]
    manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    wanted = re.search(r'^rust-version = "([\d.]+)"', manifest, re.MULTILINE)
    # Run in the project's folder, so that rustup chooses the project's toolchain.
    version = subprocess.run(["cargo", "--version"], cwd=ROOT, capture_output=True, text=True, check=False)
    found = re.match(r"cargo (\d+\.\d+\.\d+)", version.stdout)
    if found is None:
        said = (version.stderr.strip() or version.stdout.strip() or "nothing").splitlines()[0]
        return [
            f"a cargo that works (`cargo --version` says: {said}): `rustup toolchain install stable`, or name a toolchain "
            "of `rustup toolchain list` in RUSTUP_TOOLCHAIN"
        ]
    if wanted and _numbers(found[1]) < _numbers(wanted[1]):
        return [f"Rust {wanted[1]} or newer (this is {found[1]}): `rustup update stable`"]
    return []


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def ensure_venv() -> Path:
    """Returns the venv's Python. The pinned requirements are installed again when they change."""
    python = VENV / "bin" / "python"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if python.exists() and MARKER.exists() and MARKER.read_text(encoding="utf-8") == wanted:
        return python
    with step("Installing the pinned tools (SAM CLI, cargo-lambda, ministack) into .venv"):
        _create(python)
        # Settings of an active conda or venv may redirect pip; this one must install into the venv.
        environment = {**os.environ, "PIP_REQUIRE_VIRTUALENV": "1", "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        installed = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if installed.returncode != 0:
            raise Failure(
                "pip could not install the pinned tools",
                "look at pip's message above; most often the network or a proxy is in the way. Then run the command again.",
                installed.stderr,
            )
        MARKER.write_text(wanted, encoding="utf-8")
    return python


def _create(python: Path) -> None:
    if python.exists() and subprocess.run([python, "-c", "import pip"], capture_output=True, check=False).returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise Failure(
            "python3 could not make a venv",
            f"`sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv` "
            "(Debian and Ubuntu ship it apart), then run the command again.",
            made.stdout + made.stderr,
        )


def ensure_browser() -> str:
    """The Chromium or Chrome for the tests. Root on a Debian machine gets Debian's installed."""
    if found := _browser():
        return found
    advice = "`sudo apt install chromium` on Debian, or install Chrome; then run the command again."
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Failure("the tests of the page need Chromium or Chrome", advice)
    with step("Installing Chromium, in which the page is tested (apt-get install chromium)"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "--quiet"], ["apt-get", "install", "--quiet", "--yes", "chromium"]):
            ran = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
            if ran.returncode != 0:
                raise Failure("apt-get could not install chromium", advice, ran.stdout + ran.stderr)
    if found := _browser():
        return found
    raise Failure("chromium is installed and can't be found", "look where the package has put it, and add that to PATH.")


def _browser() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    return next((path for name in names if (path := shutil.which(name))), None)
