"""Starts and stops the emulator of AWS (ministack) for one instance."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import environment
import launcher
import processes
from instance import Instance
from steps import Failure, say, step
from toolchain import VENV

READY_WITHIN = 60.0
# Another process may take the free port before the emulator does.
ATTEMPTS = 3


def running(instance: Instance) -> str | None:
    """The endpoint of the instance's emulator if it runs and answers."""
    remembered = _remembered(instance)
    return remembered["endpoint"] if alive(instance) and _answers(remembered["endpoint"]) else None


def alive(instance: Instance) -> bool:
    """Whether the emulator's process runs, even if it is too busy to answer."""
    remembered = _remembered(instance)
    return bool(remembered) and processes.runs(remembered["process"])


def start(instance: Instance, **ways: bool) -> str:
    """Starts the emulator in the background and returns its endpoint. It has its own session, so it outlives this
    command.

    `ways` are the options of `environment.for_emulator`.
    """
    for attempt in range(1, ATTEMPTS + 1):
        stop(instance)
        instance.make_folders()
        port = processes.free_port()
        with step(f"Starting the local cloud on port {port}"):
            endpoint = _start_on(instance, port, environment.for_emulator(instance, port, **ways))
        if endpoint:
            for line in instance.log.read_text(errors="replace").splitlines():
                if launcher.STOCK in line:
                    say(f"  note: {line}")
            return endpoint
        say(f"  it did not come up (attempt {attempt} of {ATTEMPTS})")
    raise Failure("the local cloud did not start", f"its log, {instance.log}, says why.", instance.log.read_text(errors="replace"))


def _start_on(instance: Instance, port: int, variables: dict[str, str]) -> str | None:
    with open(instance.log, "wb") as log:
        emulator = subprocess.Popen(
            [VENV / "bin" / "python", Path(__file__).with_name("launcher.py")],
            env=variables,
            cwd=instance.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    endpoint = f"http://127.0.0.1:{port}"
    instance.write_json(instance.process_file, {"endpoint": endpoint, "process": processes.identity(emulator.pid)})
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and emulator.poll() is None:
        if _answers(endpoint):
            return endpoint
        time.sleep(0.1)
    return None


def stop(instance: Instance) -> bool:
    """Stops the emulator and its functions, and forgets the stack. Returns whether anything was stopped."""
    remembered = _remembered(instance)
    mark = str(instance.folder)
    was_there = alive(instance) or bool(processes.marked(mark))
    processes.stop(remembered["process"] if remembered else None, mark)
    instance.process_file.unlink(missing_ok=True)
    instance.stack_file.unlink(missing_ok=True)
    instance.variables_file.unlink(missing_ok=True)
    for folder in ("state", "tmp"):
        shutil.rmtree(instance.folder / folder, ignore_errors=True)
    return was_there


def _remembered(instance: Instance) -> dict | None:
    try:
        return json.loads(instance.process_file.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/ready", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
