"""speechmatics-python, realtime: with an API key, and with a temporary key that it mints itself."""

from __future__ import annotations

import io
from typing import Any
from typing import Optional

import httpx
import pytest
from credentials import Expired
from credentials import Keys
from credentials import Orphans
from refusals import IN_BAND
from speechmatics.client import WebsocketClient
from speechmatics.exceptions import TranscriptionError
from speechmatics.models import AudioSettings
from speechmatics.models import ConnectionSettings
from speechmatics.models import TranscriptionConfig
from voxgate import Voxgate
from voxgate import mistyped
from voxgate import with_jwt
from websockets.exceptions import InvalidStatus


async def transcribe(samples: bytes, url: str, key: Optional[str] = None, **settings: Any) -> list[dict[str, Any]]:
    """Sends the samples and gives all messages that came back."""
    messages: list[dict[str, Any]] = []
    client = WebsocketClient(ConnectionSettings(url=url, auth_token=key, ssl_context=None, **settings))
    client.add_event_handler("all", messages.append)
    audio = AudioSettings(encoding="pcm_s16le", sample_rate=16_000)
    await client.run(io.BytesIO(samples), TranscriptionConfig(language="en"), audio)
    return messages


def assert_heard(messages: list[dict[str, Any]]) -> None:
    kinds = [message["message"] for message in messages]
    assert kinds[-1] == "EndOfTranscript", kinds
    assert "".join(m["metadata"]["transcript"] for m in messages if m["message"] == "AddTranscript").strip(), kinds


async def test_an_api_key_carries_a_session(voxgate: Voxgate, samples: bytes) -> None:
    assert_heard(await transcribe(samples, voxgate.realtime_url, voxgate.api_key))


@pytest.mark.parametrize("client_ref", [None, "alice"])
async def test_a_key_that_it_mints_carries_a_session(voxgate: Voxgate, samples: bytes, client_ref: Optional[str]) -> None:
    messages = await transcribe(
        samples,
        voxgate.realtime_url,
        voxgate.api_key,
        generate_temp_token=True,
        mp_url=voxgate.management_url,
        client_ref=client_ref,
    )
    assert_heard(messages)


@pytest.mark.parametrize(
    ("case", "status", "reason"),
    [
        ("none", 401, "credential_missing"),
        ("mistyped", 401, "credential_unknown"),
        ("revoked", 401, "credential_revoked"),
        ("revoked_parent", 401, "credential_revoked"),
        ("expired", 401, "credential_expired"),
        ("wrong_product", 403, "wrong_product"),
        ("wrong_area", 403, "wrong_area"),
    ],
)
async def test_a_header_is_refused_before_the_upgrade(
    voxgate: Voxgate, keys: Keys, expired: Expired, orphans: Orphans, samples: bytes, case: str, status: int, reason: str
) -> None:
    """The exception carries the whole answer, so our reason with it."""
    url = voxgate.realtime_url
    url, key = {
        "none": (url, None),
        "mistyped": (url, keys.mistyped),
        "revoked": (url, keys.revoked),
        "revoked_parent": (url, orphans.rt),
        "expired": (expired.server.realtime_url, expired.rt),
        "wrong_product": (url, keys.batch_only),
        "wrong_area": (voxgate.region("us1", "realtime_url"), voxgate.api_key),
    }[case]
    with pytest.raises(InvalidStatus, match=f"HTTP {status}$") as refusal:
        await transcribe(samples, url, key)
    assert type(refusal.value) is InvalidStatus
    response = refusal.value.response
    assert response.status_code == status
    assert f'"reason":"{reason}"' in response.body.decode()


@pytest.mark.parametrize(
    "case", ["mistyped", "api_key_in_url", "revoked", "expired", "wrong_product", "wrong_area"]
)
async def test_a_key_in_the_url_is_refused_with_our_reason(
    voxgate: Voxgate, expired: Expired, orphans: Orphans, samples: bytes, case: str
) -> None:
    url = voxgate.realtime_url
    url, token = {
        "mistyped": (url, mistyped(voxgate.mint(voxgate.api_key, "rt"))),
        "api_key_in_url": (url, voxgate.api_key),
        "revoked": (url, orphans.rt),
        "expired": (expired.server.realtime_url, expired.rt),
        "wrong_product": (url, voxgate.mint(voxgate.api_key, "batch")),
        "wrong_area": (voxgate.region("us1", "realtime_url"), voxgate.mint(voxgate.api_key, "rt")),
    }[case]
    with pytest.raises(TranscriptionError, match=IN_BAND[case]) as refusal:
        await transcribe(samples, with_jwt(url, token))
    assert type(refusal.value) is TranscriptionError


@pytest.mark.parametrize(
    ("case", "status", "reason"),
    [
        ("mistyped", 401, "credential_unknown"),
        ("revoked", 401, "credential_revoked"),
        ("expired", 401, "credential_expired"),
        ("wrong_product", 403, "wrong_product"),
        ("wrong_area", 403, "wrong_area"),
    ],
)
async def test_minting_is_refused_with_our_reason(
    voxgate: Voxgate, keys: Keys, expired: Expired, samples: bytes, case: str, status: int, reason: str
) -> None:
    server, key = {
        "mistyped": (voxgate, keys.mistyped),
        "revoked": (voxgate, keys.revoked),
        "expired": (expired.server, expired.rt),
        "wrong_product": (voxgate, keys.batch_only),
        "wrong_area": (voxgate, keys.usa),
    }[case]
    with pytest.raises(httpx.HTTPStatusError) as refusal:
        await transcribe(
            samples, server.realtime_url, key, generate_temp_token=True, mp_url=server.management_url
        )
    response = refusal.value.response
    assert (response.status_code, response.json()["reason"]) == (status, reason)
