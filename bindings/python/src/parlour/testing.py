"""A server of one's own for tests: on free ports, with a folder that goes with it."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

READY_WITHIN_S = 60
ENDS_WITHIN_S = 15

# Everybody comes from one address in a test, and from few devices.
CONFIG = """
[limits]
connects_per_second_per_address = 100000.0
connects_burst_per_address = 100000
calls_per_second_per_user = 100000.0
calls_burst_per_user = 100000
calls_per_second_per_device = 100000.0
calls_burst_per_device = 100000
failures_per_second_per_address = 100000.0
failures_burst_per_address = 100000

[drain]
deadline_s = 1
jitter_s = 1
"""


class NoServer(RuntimeError):
    """There is no program to run, or it doesn't start."""


class ThrowAwayServer:
    """A server process: ``with ThrowAwayServer() as server``. The program is that of the variable
    ``PARLOUR_BIN``, else the ``parlour`` on the path."""

    def __init__(self, program: str | os.PathLike[str] | None = None, config: str = CONFIG) -> None:
        found = program or os.environ.get("PARLOUR_BIN") or shutil.which("parlour")
        if found is None:
            raise NoServer("no server: set PARLOUR_BIN to the program `parlour`")
        self._program = os.fspath(found)
        self._folder = tempfile.TemporaryDirectory(prefix="parlour-test-")
        self._root = Path(self._folder.name)
        (self._root / "parlour.toml").write_text(config)
        self._process: subprocess.Popen[str] | None = None
        #: Where clients connect.
        self.address = "127.0.0.1:0"
        #: Where HTTP listens.
        self.http = "127.0.0.1:0"
        #: The SHA-256 of its certificate.
        self.certificate = ""

    def __enter__(self) -> ThrowAwayServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def start(self) -> None:
        """Runs it, again with the ports and the data it had."""
        with (self._root / "log").open("a") as log:
            words = self._words("serve", "--listen", self.address, "--http", self.http)
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
            )
        said = self._first_line(self._process)
        self.address = _between(said, "quic ", ",")
        self.http = _between(said, "http ", ",")
        self.certificate = _between(said, "sha-256 ", " ")

    def kill(self) -> None:
        """Ends it with SIGKILL, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._close()

    def end(self) -> None:
        """Asks it to end, and removes its folder."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(ENDS_WITHIN_S)
                self._close()
            except subprocess.TimeoutExpired:
                self.kill()
        self._folder.cleanup()

    def token(
        self, subject: str, organization: str = "test", *, name: str | None = None
    ) -> str:
        """A good token of somebody, who is made by it, and is called so from then on."""
        named = () if name is None else ("--name", name)
        return self.run("token", "--org", organization, "--sub", subject, *named)

    def run(self, *command: str) -> str:
        """Runs a command of the program on the same data folder; what it prints."""
        words = self._words(*command)
        run = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
        )
        return run.stdout.strip()

    def _close(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None

    def _words(self, *more: str) -> list[str]:
        config, data = self._root / "parlour.toml", self._root / "data"
        return [self._program, "--config", str(config), "--data", str(data), *more]

    def _first_line(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], READY_WITHIN_S)
        line = process.stdout.readline() if ready else ""
        if "is ready" not in line:
            self.kill()
            raise NoServer(f"the server doesn't start: {line}{self._log()[-2000:]}")
        return line

    def _log(self) -> str:
        return (self._root / "log").read_text()


def _between(text: str, before: str, behind: str) -> str:
    return text.split(before, 1)[1].split(behind, 1)[0].strip()
