"""A running `voxgate dev`, and the calls that tests make around the libraries under test.

Only plain HTTP is used here, so that a library's mistake can't hide in its own test.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Callable
from typing import Optional

import httpx

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("VOXGATE_PROGRAM", REPOSITORY / "target/debug/voxgate"))

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 15
HTTP_SECONDS_MAX = 10


@dataclass(frozen=True)
class ApiKey:
    """An API key as its maker sees it, once."""

    id: str
    secret: str


class Voxgate:
    """One `voxgate dev` of its own: free ports, and a data folder that nobody else uses."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "stderr.log"
        command = [str(PROGRAM), "dev", "--json", "--port", "0", "--data-dir", str(folder / "data"), *arguments]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        try:
            self.endpoints: dict[str, Any] = json.loads(self._first_line())
        except BaseException:
            self.stop()
            raise
        self.management_url: str = self.endpoints["management_url"]
        self.batch_url: str = self.endpoints["batch_url"]
        self.realtime_url: str = self.endpoints["realtime_url"]
        self.api_key: str = self.endpoints["api_key"]

    def _first_line(self) -> str:
        """The line that says that it is ready."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + START_SECONDS_MAX
        said = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not said.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise AssertionError(f"voxgate dev was not ready in {START_SECONDS_MAX} s\n{self.log()}")
                piece = os.read(self._process.stdout.fileno(), 65536)
                if not piece:
                    raise AssertionError(f"voxgate dev ended before it was ready\n{self.log()}")
                said += piece
        return said.decode()

    def log(self) -> str:
        """What it wrote to standard error."""
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        """Ends the process that this object started."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def region(self, name: str, kind: str) -> str:
        """A region's own endpoint; `kind` is `batch_url` or `realtime_url`."""
        return str(self.endpoints["regions"][name][kind])

    def _manage(self, method: str, path: str, **arguments: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.endpoints['management_token']}"}
        response = httpx.request(
            method, f"{self.management_url}{path}", headers=headers, timeout=HTTP_SECONDS_MAX, **arguments
        )
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    def project_id(self) -> int:
        """The default project, in which `dev` keeps its own key."""
        projects = self._manage("GET", "/v1/projects")
        return int(next(project["project_id"] for project in projects if project["is_default"]))

    def create_key(self, name: str, areas: tuple[str, ...] = ("eu",), products: tuple[str, ...] = ("batch", "rt")) -> ApiKey:
        """A new API key of the default project."""
        body = {"project_id": self.project_id(), "name": name, "areas": list(areas), "products": list(products)}
        made = self._manage("POST", "/v1/api-keys", json=body)
        return ApiKey(made["apikey_id"], made["key_value"])

    def revoke_key(self, key: ApiKey) -> None:
        """Revokes an API key; when this returns, it is enforced."""
        assert self._manage("DELETE", f"/v1/api-keys/{key.id}") == {"status": "OK"}

    def revoked_key(self, name: str, **rights: tuple[str, ...]) -> ApiKey:
        """A key that was good and is no more."""
        key = self.create_key(name, **rights)
        self.revoke_key(key)
        return key

    def set_quota(self, key: ApiKey, seconds: int) -> None:
        """Limits the audio of an API key in this month."""
        body = {"project_id": self.project_id(), "scope": "api_key", "name": key.id, "audio_seconds_per_month_max": seconds}
        assert self._manage("PUT", "/v1/quotas", json=body) == {"status": "OK"}

    def end_sessions(self, key: ApiKey, reason: str) -> None:
        """Ends the open sessions of an API key; their clients are told the reason."""
        for session in self._manage("GET", "/v1/sessions", params={"apikey_id": key.id})["sessions"]:
            self._manage("DELETE", f"/v1/sessions/{session['session_id']}", json={"reason": reason})

    def mint(self, secret: str, product: str, ttl: int = 3600, **body: Any) -> str:
        """A temporary key."""
        response = httpx.post(
            f"{self.management_url}/v1/api_keys",
            params={"type": product},
            json={"ttl": ttl, **body},
            headers={"Authorization": f"Bearer {secret}"},
            timeout=HTTP_SECONDS_MAX,
        )
        assert response.status_code == 201, f"mint: {response.status_code} {response.text}"
        return str(response.json()["key_value"])

    def jobs(self, credential: str) -> httpx.Response:
        """The Jobs API's answer to a list."""
        headers = {"Authorization": f"Bearer {credential}"}
        return httpx.get(f"{self.batch_url}/jobs", headers=headers, timeout=HTTP_SECONDS_MAX)


def mistyped(credential: str) -> str:
    """The same credential with one wrong character; of a temporary key, in its signature."""
    start = credential.rfind(".") + 1
    at = start + (len(credential) - start) // 2
    wrong = "A" if credential[at] != "A" else "B"
    return credential[:at] + wrong + credential[at + 1 :]


def wait_until(what: str, condition: Callable[[], bool], seconds_max: float = 30.0) -> None:
    """Looks until the condition holds, and says what didn't come if it never does."""
    deadline = time.monotonic() + seconds_max
    while not condition():
        assert time.monotonic() < deadline, f"{what} didn't happen within {seconds_max} s"
        time.sleep(0.1)


def with_jwt(url: str, token: Optional[str]) -> str:
    """A realtime URL with a temporary key in it, as browsers send it."""
    return url if token is None else f"{url}?jwt={token}"
