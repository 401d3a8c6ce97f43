"""The output of the commands: each step tells what it does and how long it took, and a failure tells what to do."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator


class Failure(Exception):
    """A failure that the user can act on: what happened, and what to do about it."""

    def __init__(self, what: str, advice: str, detail: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice
        self.detail = detail


def say(text: str = "") -> None:
    print(text, flush=True)


def duration(seconds: float) -> str:
    """A duration as text: 0.4 s, 12.3 s, 3 min 05 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Prints the title, and the duration when the block ends."""
    say(f"» {title} ...")
    started = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"  given up after {duration(time.monotonic() - started)}")
        raise
    say(f"  done in {duration(time.monotonic() - started)}")


def report(failure: Failure) -> None:
    """Prints a failure to standard error. The end of its detail comes first, so that the advice stands last."""
    if failure.detail:
        print("\n".join("  | " + line for line in failure.detail.rstrip().splitlines()[-40:]), file=sys.stderr)
    print(f"\nFailed: {failure.what}\nWhat to do: {failure.advice}", file=sys.stderr, flush=True)
