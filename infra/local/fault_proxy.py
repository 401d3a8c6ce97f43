"""Starts the proxy that injects faults between the functions and the emulator of one instance, for the tests of faults.

It carries the instance's mark, and so ends when the instance does.
"""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import emulator
import environment
import processes
from instance import Instance
from steps import Failure, step
from toolchain import VENV

# Variable that tells the tests where it is.
ADDRESS = "PORTAL_FAULT_PROXY"

READY_WITHIN = 60.0


def start(instance: Instance, endpoint: str) -> str:
    """Starts it in front of the emulator at `endpoint`, and returns its address. It lets everything through until a test
    makes rules."""
    for _ in range(emulator.ATTEMPTS):
        port = processes.free_port()
        with step(f"Starting the fault proxy on port {port}"):
            if address := _start_on(instance, port, endpoint):
                return address
    raise Failure("the fault proxy did not start", f"its log, {_log(instance)}, says why.", _log(instance).read_text(errors="replace"))


def _start_on(instance: Instance, port: int, endpoint: str) -> str | None:
    command = [VENV / "bin" / "python", Path(__file__).with_name("fault_launcher.py"),
               "--host", "127.0.0.1", "--port", str(port), "--upstream", endpoint, "--no-resign"]
    with open(_log(instance), "wb") as log:
        proxy = subprocess.Popen(command, env=environment.for_fault_proxy(instance, endpoint), cwd=instance.folder,
                                 stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and proxy.poll() is None:
        if _lets_through(address):
            return address
        time.sleep(0.1)
    proxy.kill()
    return None


def _lets_through(address: str) -> bool:
    # Asked through the proxy: the first call of all takes it seconds, in which it reads what it knows of AWS.
    try:
        with urllib.request.urlopen(f"{address}/_ministack/ready", timeout=READY_WITHIN) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _log(instance: Instance) -> Path:
    return instance.folder / "fault-proxy.log"
