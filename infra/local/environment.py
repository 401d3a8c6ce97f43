"""The environment that tools and emulator run in: none of the user's AWS settings get in, nothing gets out to AWS."""

from __future__ import annotations

import os

from instance import Instance
from launcher import ENFORCE, METER
from processes import MARK
from toolchain import VENV

REGION = "us-east-1"


def for_aws(instance: Instance, endpoint: str) -> dict[str, str]:
    """The AWS variables alone: made-up keys, this instance as the endpoint, and settings files that are empty."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": str(instance.folder / "home" / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(instance.folder / "home" / "aws-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _path() -> str:
    return f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def for_tools(instance: Instance, endpoint: str) -> dict[str, str]:
    """For sam and cargo: the user's environment (cargo has settings there) without what it says about AWS."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))}
    return (
        environment
        | for_aws(instance, endpoint)
        | {
            "PATH": _path(),
            "SAM_CLI_TELEMETRY": "0",
            # SAM's own settings, which it would keep in the user's home.
            "__SAM_CLI_APP_DIR": str(instance.folder / "home"),
            # The host's linker: what is built here runs here. For AWS, cargo-lambda links by zig with an older glibc.
            "CARGO_LAMBDA_COMPILER": "cargo",
        }
    )


def for_emulator(instance: Instance, port: int, *, enforced: bool = False, metered: bool = False) -> dict[str, str]:
    """For ministack, and with it for every function: as little as possible, since functions inherit all of it.

    `enforced`: calls need a valid signature and each function gets only what its role's policy allows.
    `metered`: with the counting of calls that `make bench` reads.
    """
    return (
        for_aws(instance, f"http://127.0.0.1:{port}")
        | {
            MARK: str(instance.folder),
            "PATH": _path(),
            "HOME": str(instance.folder / "home"),
            "TMPDIR": str(instance.folder / "tmp"),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "BIND_HOST": "127.0.0.1",
            # The host in queue addresses; the default, localhost, may mean ::1 first.
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "STATE_DIR": str(instance.folder / "state"),
            # Its listener for devices would take port 8883 on all addresses.
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
        }
        | ({ENFORCE: "true"} if enforced else {})
        | ({METER: "1"} if metered else {})
    )
