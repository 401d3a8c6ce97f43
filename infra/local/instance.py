"""One instance of the local cloud: its folder, its lock, and what it remembers about its process.

`make up` and `make run` use `.local`; tests and measurements use instances of their own below it, so that they disturb
nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from steps import Failure
from toolchain import ROOT


@dataclass(frozen=True)
class Instance:
    """The files of an instance. `name` is empty for the one of `make up`."""

    name: str = ""

    @property
    def folder(self) -> Path:
        return ROOT / ".local" / self.name

    @property
    def stack_file(self) -> Path:
        """The file that tells other programs where this instance is and how to sign in."""
        return self.folder / "stack.json"

    @property
    def variables_file(self) -> Path:
        """The functions' deployed variables, in the format of `sam local invoke --env-vars`."""
        return self.folder / "functions.env.json"

    @property
    def process_file(self) -> Path:
        return self.folder / "emulator.json"

    @property
    def log(self) -> Path:
        return self.folder / "emulator.log"

    @property
    def build_folder(self) -> Path:
        """The folder of `sam build`. The main instance uses SAM's default, which `sam local invoke` also reads."""
        return self.folder / "build" if self.name else ROOT / ".aws-sam" / "build"

    @property
    def hint(self) -> str:
        """The argument that makes a make target use this instance."""
        return f" INSTANCE={self.name}" if self.name else ""

    def make_folders(self) -> None:
        for folder in (self.folder, self.folder / "tmp", self.folder / "state", self.folder / "home"):
            folder.mkdir(parents=True, exist_ok=True)
        # Settings of AWS that say nothing: the SDK warns of files that are named and do not exist.
        for name in ("aws-config", "aws-credentials"):
            (self.folder / "home" / name).touch()
        # The operator's password and the mails lie here.
        self.folder.chmod(0o700)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps two commands from building, starting or stopping the same instance at once."""
        self.make_folders()
        with open(self.folder / "lock", "w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Failure(
                    "another command is at work on this local cloud", "wait until it is through, or end it with Ctrl-C in its terminal."
                ) from error
            # The emulator must not inherit the lock: it outlives the command.
            os.set_inheritable(lock.fileno(), False)
            yield

    def read_stack(self) -> dict:
        try:
            return json.loads(self.stack_file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise Failure("the local cloud is not up", f"run `make up{self.hint}` first.") from error

    def write_json(self, path: Path, value: object) -> None:
        """Whole or not at all, and for this user's eyes only."""
        scratch = path.with_suffix(".new")
        scratch.touch(mode=0o600)
        scratch.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
        scratch.replace(path)
