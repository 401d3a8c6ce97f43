"""Identifies processes by more than their number, which the system reuses.

A process is identified by its number and start time. Its descendants are found by a mark that they inherit in their
environment.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from steps import Failure

# Environment variable that all processes of one instance inherit: the emulator and its functions.
MARK = "PORTAL_LOCAL_CLOUD"


def identity(pid: int) -> dict:
    """What distinguishes this process from a later one with the same number: its start, counted from this boot."""
    return {"pid": pid, "started": _start_ticks(pid), "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip()}


def runs(process: dict) -> bool:
    try:
        return identity(process["pid"]) == process
    except OSError:
        return False


def _start_ticks(pid: int) -> int:
    # The name in parentheses may contain blanks; field 22 of the line is the 20th after it. A zombie does not run any
    # more.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    if fields[0] == "Z":
        raise ProcessLookupError(pid)
    return int(fields[19])


def marked(mark: str) -> list[int]:
    """The processes of this user with the mark."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def stop(process: dict | None, mark: str, patience: float = 10.0) -> None:
    """Asks the process to end, and after `patience` seconds kills it and all processes with its mark."""
    if process and runs(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process["pid"], signal.SIGTERM)
        _wait_until(lambda: not runs(process), patience)
    for pid in marked(mark):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _wait_until(lambda: not marked(mark), 5.0)
    if left := marked(mark):
        raise Failure(f"processes {left} of the local cloud do not end", "end them with `kill -9`, by these numbers.")


def _wait_until(condition, patience: float) -> None:
    deadline = time.monotonic() + patience
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


def free_port() -> int:
    """A port of the loopback interface that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_tool(command: list[str], *, environment: dict[str, str], folder: Path, log: Path | None = None) -> int:
    """Runs a tool to its end and returns its exit code; with `log`, its output goes there."""
    with tool_beside(command, environment=environment, folder=folder, log=log) as tool:
        return tool.wait()


@contextlib.contextmanager
def tool_beside(
    command: list[str],
    *,
    environment: dict[str, str],
    folder: Path,
    log: Path | None = None,
) -> Iterator[subprocess.Popen]:
    """Runs a tool during the block, which must wait for its end. With `log`, its output goes there.

    The tool has its own process group, so that all its children end too if this command is interrupted or the block
    fails.
    """
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(open(log, "ab")) if log else None
        tool = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if log else None,
            process_group=0,
        )
        try:
            yield tool
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(tool.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                tool.wait(5)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(tool.pid, signal.SIGKILL)
            tool.wait()
            raise
