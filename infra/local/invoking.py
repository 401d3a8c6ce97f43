"""`sam local invoke` of one function against the running local cloud.

SAM's containers cannot reach 127.0.0.1, where the local cloud listens: `--docker-network host` of SAM CLI 1.167 leaves
them in Docker's bridge network (samcli/local/docker/container.py). So connections to the bridge's own address, which is
this machine too, are forwarded to the local cloud while the function runs.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import shlex
import shutil
import socket
import socketserver
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import environment
from building import architecture
from instance import Instance
from processes import run_tool
from steps import Failure, say
from toolchain import ROOT, VENV


def invoke(instance: Instance, function: str, event: Path, more: str) -> int:
    """Runs the function, as `make up` built it, in SAM's container with this event. `more` holds further options of
    `sam local invoke`.
    """
    stack = instance.read_stack()
    if function not in stack["functions"]:
        raise Failure(f"there is no function {function}", "name one of: " + ", ".join(sorted(stack["functions"])) + ".")
    if not event.is_file():
        raise Failure(f"there is no event {event}", "name one of the files in events/.")
    with _relay(_bridge(), stack["awsEndpoint"]) as endpoint:
        variables = json.loads(instance.variables_file.read_text(encoding="utf-8"))
        variables[function]["AWS_ENDPOINT_URL"] = endpoint
        file = instance.folder / "invoke.env.json"
        instance.write_json(file, variables)
        command = [
            str(VENV / "bin" / "sam"),
            "local",
            "invoke",
            function,
            "--template-file",
            str(instance.build_folder / "template.yaml"),
            "--event",
            str(event),
            "--env-vars",
            str(file),
            "--docker-network",
            "host",
            "--parameter-overrides",
            f"AwsEndpointUrl={endpoint} Architecture={architecture()}",
            *shlex.split(more),
        ]
        say("» " + shlex.join(["sam", *command[1:]]))
        return run_tool(command, environment=environment.for_tools(instance, stack["awsEndpoint"]), folder=ROOT)


def _bridge() -> str:
    """The address of Docker's bridge network on this machine."""
    advice = "install Docker and start it; everything else in this project does without."
    if shutil.which("docker") is None:
        raise Failure("sam local invoke needs Docker, and there is none", advice)
    asked = subprocess.run(["docker", "network", "inspect", "bridge"], capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        raise Failure("Docker does not tell about its bridge network", advice, asked.stderr)
    settings = json.loads(asked.stdout)[0]["IPAM"]["Config"][0]
    # Docker names the gateway only if it was configured. By default it is the network's first address.
    return settings.get("Gateway") or str(next(ipaddress.ip_network(settings["Subnet"]).hosts()))


@contextlib.contextmanager
def _relay(host: str, endpoint: str) -> Iterator[str]:
    """Forwards connections to `host` to the endpoint, and gives the forwarding address."""
    target = urllib.parse.urlsplit(endpoint)

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((target.hostname, target.port)) as cloud:
                back = threading.Thread(target=_pass, args=(cloud, self.request), daemon=True)
                back.start()
                _pass(self.request, cloud)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server((host, 0), Connection) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{host}:{server.server_address[1]}"
        server.shutdown()


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
