"""The programs on the portal's home page run as they stand there, against the very instance that shows them."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Optional

import httpx
import pytest
from voxgate import HTTP_SECONDS_MAX
from voxgate import Voxgate

RUN_SECONDS_MAX = 60


class Browser:
    """As much of a browser as signing in takes. It keeps cookies by itself: httpx sends no Secure ones to http://localhost,
    which browsers do."""

    def __init__(self, portal: str) -> None:
        self._portal = portal
        self._cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, fields: Optional[dict[str, str]] = None) -> httpx.Response:
        headers = {"Sec-Fetch-Site": "same-origin", "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        response = httpx.request(method, f"{self._portal}{path}", data=fields, headers=headers, timeout=HTTP_SECONDS_MAX)
        for cookie in response.headers.get_list("set-cookie"):
            name, value = cookie.split(";")[0].split("=", 1)
            self._cookies[name] = value
        return response


@pytest.fixture(scope="module")
def snippets(voxgate: Voxgate) -> dict[str, str]:
    """What stands in the blocks of the home page, by their ids, as whoever is signed in sees it."""
    browser = Browser(voxgate.endpoints["portal_url"])
    form = browser.ask("GET", "/sign-in").text
    token = re.search(r'name="form_token" value="([^"]+)"', form)
    assert token, form
    account = voxgate.endpoints["account"]
    fields = {"form_token": token[1], "email": account["email"], "password": account["password"]}
    assert browser.ask("POST", "/sign-in", fields).status_code == 303
    page = browser.ask("GET", "/").text
    blocks = re.findall(r'<code id="([a-z-]+)">(.*?)</code>', page, re.DOTALL)
    return {name: html.unescape(text) for name, text in blocks}


def run(voxgate: Voxgate, folder: Path, *command: str) -> str:
    """What a program prints that knows the API key and finds a recording beside it."""
    environment = {"PATH": os.environ["PATH"], "API_KEY": voxgate.api_key}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path, wav: Path) -> Path:
    (tmp_path / "hello.wav").write_bytes(wav.read_bytes())
    return tmp_path


def test_every_snippet_names_this_instance(voxgate: Voxgate, snippets: dict[str, str]) -> None:
    urls = {
        "batch-curl": voxgate.batch_url,
        "batch-python": voxgate.batch_url,
        "mint-curl": f"{voxgate.management_url}/v1/api_keys",
        "realtime-python": voxgate.realtime_url,
        "realtime-javascript": voxgate.realtime_url,
        "realtime-browser": voxgate.realtime_url,
    }
    assert snippets.keys() == urls.keys()
    for name, url in urls.items():
        assert url in snippets[name], snippets[name]


@pytest.mark.parametrize(("name", "said"), [("batch-curl", '"id":'), ("mint-curl", '{"apikey_id":null,"key_value":"eyJ')])
def test_curl_runs(voxgate: Voxgate, snippets: dict[str, str], folder: Path, name: str, said: str) -> None:
    assert said in run(voxgate, folder, "sh", "-euc", snippets[name])


@pytest.mark.parametrize("name", ["batch-python", "realtime-python"])
def test_python_runs(voxgate: Voxgate, snippets: dict[str, str], folder: Path, name: str) -> None:
    (folder / "program.py").write_text(snippets[name])
    assert run(voxgate, folder, sys.executable, "program.py").strip(), "words"
