"""Runs the Rust tests as `cargo test --workspace --tests` does, but several test executables at the same time.

cargo runs one executable after the other, and many tests of one executable exclude each other: those that kill a
function at a named place share that place. One after the other, they leave processors idle for minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from steps import say
from toolchain import ROOT

_printing = threading.Lock()


@dataclass(frozen=True)
class Executable:
    """A compiled test program, and the folder of its package, in which cargo would run it."""

    path: Path
    package: Path

    @property
    def name(self) -> str:
        return f"{self.package.relative_to(ROOT)}: {self.path.name.rpartition('-')[0]}"

    def passes(self) -> bool:
        """Runs all its tests and shows what they said."""
        started = time.monotonic()
        tests = subprocess.run(
            [self.path],
            cwd=self.package,
            env=os.environ | {"CARGO_MANIFEST_DIR": str(self.package)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        with _printing:
            say(f"\n{self.name} ({time.monotonic() - started:.0f} s)")
            say(tests.stdout)
        return tests.returncode == 0


def compiled() -> list[Executable]:
    """Compiles all tests; largest first, since those have the most tests.

    Raises `subprocess.CalledProcessError` if they do not compile: cargo has said why.
    """
    build = ["cargo", "test", "--locked", "--workspace", "--tests", "--no-run", "--message-format", "json-render-diagnostics"]
    messages = subprocess.run(build, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
    built = [json.loads(line) for line in messages.splitlines()]
    executables = [
        Executable(Path(message["executable"]), Path(message["manifest_path"]).parent)
        for message in built
        if message["reason"] == "compiler-artifact" and message["profile"]["test"] and message["executable"]
    ]
    return sorted(executables, key=lambda executable: executable.path.stat().st_size, reverse=True)


def main() -> int:
    try:
        executables = compiled()
    except subprocess.CalledProcessError as failed:
        return failed.returncode
    # The tests of the page run at the same time, and wait at most a minute or two for each change. The Rust tests have
    # clocks of their own, so they take the processor time that is left.
    os.nice(10)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        passed = list(pool.map(Executable.passes, executables))
    failed = [executable.name for executable, good in zip(executables, passed, strict=True) if not good]
    say(f"{len(executables)} test executables, failed: {', '.join(failed) or 'none'}")
    return 1 if failed or not executables else 0


if __name__ == "__main__":
    sys.exit(main())
