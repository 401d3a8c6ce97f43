"""Runs microburst, the proxy that answers with AWS's own errors, and tells it SES v2 from SES v1.

What is changed is an internal of the pinned version. Without it faults of SES would come as v1's XML, which no caller of v2
understands: so if it is not as expected, this ends.
"""

from __future__ import annotations

import functools
import inspect
import logging

SES_V2 = "/v2/email/"


def with_ses_v2() -> None:
    """Both versions of SES sign their calls as `ses`, by which microburst knows a service; the path tells which it is."""
    from microburst.core import pipeline
    from multidict import CIMultiDict

    detect = pipeline.detect
    parameters = list(inspect.signature(detect).parameters)
    if parameters != ["headers", "method", "path", "query", "body"]:
        raise LookupError(f"microburst's detect, now with {parameters}")

    @functools.wraps(detect)
    def detect_ses_v2(headers, method, path, query, body):
        if path.startswith(SES_V2):
            headers = CIMultiDict(headers)
            headers["Authorization"] = headers.get("Authorization", "").replace("/ses/aws4_request", "/sesv2/aws4_request")
        return detect(headers, method, path, query, body)

    pipeline.detect = detect_ses_v2


def main() -> int:
    with_ses_v2()
    # A line for each call would be most of its work.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    from microburst.cli import main as run

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
