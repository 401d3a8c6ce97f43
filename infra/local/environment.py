"""The environment variables of tools and emulator. They exclude the user's AWS settings, and no call leaves for AWS."""

from __future__ import annotations

import os

from instance import Instance
from launcher import ENFORCE, METER
from processes import MARK
from toolchain import VENV

REGION = "us-east-1"


def for_aws(instance: Instance, endpoint: str) -> dict[str, str]:
    """Only the AWS variables: dummy keys, the endpoint of this instance, and empty settings files."""
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
    """For sam and cargo: the user's environment, which holds settings of cargo, without its AWS variables."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))}
    return (
        environment
        | for_aws(instance, endpoint)
        | {
            "PATH": _path(),
            "SAM_CLI_TELEMETRY": "0",
            # SAM would keep its settings in the user's home.
            "__SAM_CLI_APP_DIR": str(instance.folder / "home"),
            # The host's linker, since the binaries run on this machine. For AWS, cargo-lambda links by zig with an
            # older glibc.
            "CARGO_LAMBDA_COMPILER": "cargo",
        }
    )


def for_emulator(instance: Instance, port: int, *, enforced: bool = False, metered: bool = False) -> dict[str, str]:
    """For ministack. Every function inherits these variables, so there are as few as possible.

    `enforced`: calls need a valid signature, and each function may do only what its role's policy allows.
    `metered`: calls are counted for `make bench`.
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
            # The host in queue URLs. The default, localhost, may resolve to ::1 first.
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "STATE_DIR": str(instance.folder / "state"),
            # The listener for devices would take port 8883 on all addresses.
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
        }
        | ({ENFORCE: "true"} if enforced else {})
        | ({METER: "1"} if metered else {})
    )
