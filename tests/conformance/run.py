"""Plays all scripts over all carriers against the program that is named, or those for clients against a driver.

usage: run.py PROGRAM [words for `python3 -m conformance`]
       run.py --client COMMAND [words for `python3 -m conformance`]

Starts a program on free ports with a data folder of its own, and ends it by its pid. Takes the packages of
requirements.txt. The exit code is that of the kit; 3 if the server didn't start or didn't end well.
"""

import select
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
READY_WITHIN_S = 30
ENDS_WITHIN_S = 15

# Everybody comes from one address here, and from few devices.
CONFIG = """
[limits]
connects_per_second_per_address = 100000.0
connects_burst_per_address = 100000
calls_per_second_per_user = 100000.0
calls_burst_per_user = 100000
calls_per_second_per_device = 100000.0
calls_burst_per_device = 100000
calls_per_second_per_organization = 100000.0
calls_burst_per_organization = 1000000
failures_per_second_per_address = 100000.0
failures_burst_per_address = 100000

[drain]
deadline_s = 1
jitter_s = 1
"""


class Server:
    """A server of this repository that is running."""

    def __init__(self, program: Path, folder: Path):
        self.config, self.data, self.log = folder / "parlour.toml", folder / "data", folder / "log"
        self.config.write_text(CONFIG)
        self.program = program
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                self.words("serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
            )
        said = self._first_line()
        self.quic = between(said, "quic ", ",")
        self.http = between(said, "http ", ",")
        self.pin = between(said, "sha-256 ", " ")

    def words(self, *more):
        return [str(self.program), "--config", str(self.config), "--data", str(self.data), *more]

    def _first_line(self) -> str:
        ready, _, _ = select.select([self.process.stdout], [], [], READY_WITHIN_S)
        line = self.process.stdout.readline() if ready else ""
        if "is ready" not in line:
            self.end()
            raise RuntimeError(f"the server doesn't start: {line}{self.log.read_text()[-2000:]}")
        return line

    def end(self) -> bool:
        """Asks it to end; whether it did so by itself and without complaint."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(ENDS_WITHIN_S) == 0
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False


def between(text: str, before: str, behind: str) -> str:
    return text.split(before, 1)[1].split(behind, 1)[0].strip()


def main(program: str, more) -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="parlour-conformance-") as folder:
        try:
            server = Server(Path(program).resolve(), Path(folder))
        except (OSError, RuntimeError) as wrong:
            print(wrong, file=sys.stderr)
            return 3
        token = server.words("token", "--sub", "{sub}", "--org", "{org}", "--ttl", "{ttl}", "--scope", "{scope}")
        try:
            code = subprocess.run([
                sys.executable, "-m", "conformance", "--quic", server.quic, "--http", server.http,
                "--pin", server.pin, "--token-command", shlex.join(token),
                "--known", str(HERE / "known.txt"), *more,
            ], cwd=HERE).returncode
        finally:
            ended = server.end()
        complaints = [line for line in server.log.read_text().splitlines() if "panicked" in line]
    print("".join(f"the server's log: {line}\n" for line in complaints[:5]), end="")
    if not ended:
        print("the server didn't end well", file=sys.stderr)
    print(f"conformance: {time.monotonic() - began:.0f} s")
    return code if ended and not complaints else code or 3


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if sys.argv[1].startswith("-"):
        # A client needs no server but the kit's own.
        sys.exit(subprocess.run([sys.executable, "-m", "conformance", *sys.argv[1:]], cwd=HERE).returncode)
    # Whoever ends this early ends the server with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    sys.exit(main(sys.argv[1], sys.argv[2:]))
