"""speechmatics-rt: with an API key, with `JWTAuth`, and with a temporary key in the URL as browsers have it."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any
from typing import Optional

import pytest
from credentials import Expired
from credentials import Keys
from credentials import Orphans
from refusals import IN_BAND
from refusals import minting
from speechmatics.rt import AsyncClient
from speechmatics.rt import AudioEncoding
from speechmatics.rt import AudioFormat
from speechmatics.rt import AuthenticationError
from speechmatics.rt import ConnectionError as RtConnectionError
from speechmatics.rt import JWTAuth
from speechmatics.rt import ServerMessageType
from speechmatics.rt import TranscriptionConfig
from speechmatics.rt import TranscriptionError
from speechmatics.rt import TransportError
from voxgate import Voxgate
from voxgate import mistyped
from voxgate import with_jwt

FORMAT = AudioFormat(encoding=AudioEncoding.PCM_S16LE, sample_rate=16_000, chunk_size=4096)


async def transcribe(samples: bytes, url: str, key: Optional[str] = None, auth: Optional[JWTAuth] = None) -> list[dict[str, Any]]:
    """Sends the samples and gives all messages that came back."""
    messages: list[dict[str, Any]] = []
    async with AsyncClient(auth, api_key=key, url=url) as client:
        for kind in ServerMessageType:
            client.on(kind, messages.append)
        await client.transcribe(
            io.BytesIO(samples), transcription_config=TranscriptionConfig(language="en"), audio_format=FORMAT, timeout=60
        )
    return messages


def assert_heard(messages: list[dict[str, Any]]) -> None:
    """A whole session: the announcement first, words, and an end."""
    kinds = [message["message"] for message in messages]
    assert messages[0]["message"] == "Info" and messages[0]["type"] == "concurrent_session_usage", kinds
    assert kinds.index("RecognitionStarted") < kinds.index("AddTranscript"), kinds
    assert kinds[-1] == "EndOfTranscript", kinds
    words = "".join(m["metadata"]["transcript"] for m in messages if m["message"] == "AddTranscript")
    assert words.strip(), kinds
    assert "Error" not in kinds


async def test_an_api_key_carries_a_session(voxgate: Voxgate, samples: bytes) -> None:
    assert_heard(await transcribe(samples, voxgate.realtime_url, voxgate.api_key))


async def test_a_minted_key_carries_a_session(voxgate: Voxgate, samples: bytes) -> None:
    auth = JWTAuth(voxgate.api_key, mp_url=voxgate.management_url)
    assert_heard(await transcribe(samples, voxgate.realtime_url, auth=auth))


async def test_a_minted_key_in_the_url_carries_a_session(voxgate: Voxgate, samples: bytes) -> None:
    # Without a key the library sends `Authorization: Bearer None`, which must not hide the key in the URL.
    url = with_jwt(voxgate.realtime_url, voxgate.mint(voxgate.api_key, "rt"))
    assert_heard(await transcribe(samples, url))


async def test_a_client_ref_carries_a_session(voxgate: Voxgate, samples: bytes) -> None:
    auth = JWTAuth(voxgate.api_key, mp_url=voxgate.management_url, client_ref="alice", ttl=86_400)
    assert_heard(await transcribe(samples, voxgate.realtime_url, auth=auth))


async def test_a_region_of_another_area_takes_its_own_keys(voxgate: Voxgate, keys: Keys, samples: bytes) -> None:
    url = voxgate.region("us1", "realtime_url")
    assert_heard(await transcribe(samples, url, keys.usa))
    auth = JWTAuth(keys.usa, mp_url=voxgate.management_url, region="usa")
    assert_heard(await transcribe(samples, url, auth=auth))


async def test_the_global_endpoint_takes_keys_of_every_area(voxgate: Voxgate, keys: Keys, samples: bytes) -> None:
    url = voxgate.endpoints["global_realtime_url"]
    assert_heard(await transcribe(samples, url, voxgate.api_key))
    assert_heard(await transcribe(samples, url, keys.usa))
    with pytest.raises(RtConnectionError, match="HTTP 401$"):
        await transcribe(samples, url, keys.revoked)


@pytest.mark.parametrize(
    ("case", "status"),
    [("none", 401), ("mistyped", 401), ("revoked", 401), ("revoked_parent", 401), ("expired", 401), ("wrong_product", 403), ("wrong_area", 403)],
)
async def test_a_header_is_refused_before_the_upgrade(
    voxgate: Voxgate, keys: Keys, expired: Expired, orphans: Orphans, samples: bytes, case: str, status: int
) -> None:
    """The library's own error names the status; it has no place for more."""
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
    with pytest.raises(RtConnectionError) as refusal:
        await transcribe(samples, url, key)
    assert type(refusal.value) is RtConnectionError
    assert str(refusal.value) == f"WebSocket connection error: server rejected WebSocket connection: HTTP {status}"


@pytest.mark.parametrize(
    "case", ["none", "mistyped", "api_key_in_url", "revoked", "expired", "wrong_product", "wrong_area"]
)
async def test_a_key_in_the_url_is_refused_with_our_reason(
    voxgate: Voxgate, expired: Expired, orphans: Orphans, samples: bytes, case: str
) -> None:
    """The upgrade succeeds, and the reason reaches the library as its own exception."""
    url = voxgate.realtime_url
    url, token = {
        "none": (url, ""),
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
        ("temporary", 403, "cannot_mint"),
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
        "temporary": (voxgate, voxgate.mint(voxgate.api_key, "rt")),
        "wrong_product": (voxgate, keys.batch_only),
        "wrong_area": (voxgate, keys.usa),
    }[case]
    with pytest.raises(AuthenticationError) as refusal:
        await transcribe(samples, server.realtime_url, auth=JWTAuth(key, mp_url=server.management_url))
    assert type(refusal.value) is AuthenticationError
    got, body = minting(refusal.value)
    assert (got, body["reason"]) == (status, reason)
    assert body["message"] and body["detail"], body


async def test_realtime_in_an_area_without_it_is_refused_when_minting(voxgate: Voxgate, samples: bytes) -> None:
    auth = JWTAuth(voxgate.create_key("au", areas=("au",)).secret, mp_url=voxgate.management_url, region="au")  # type: ignore[arg-type]
    with pytest.raises(AuthenticationError) as refusal:
        await transcribe(samples, voxgate.realtime_url, auth=auth)
    status, body = minting(refusal.value)
    assert (status, body["reason"]) == (422, "invalid_value")
    assert body["message"] == "region in body should be one of [eu usa]"


@pytest.mark.parametrize("minted", [False, True])
async def test_revoking_a_key_ends_the_sessions_born_of_it(voxgate: Voxgate, samples: bytes, minted: bool) -> None:
    """The library hears why, and can send nothing more."""
    key = voxgate.create_key("to be revoked")
    auth = JWTAuth(key.secret, mp_url=voxgate.management_url) if minted else None
    errors: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    async with AsyncClient(auth, api_key=key.secret, url=voxgate.realtime_url) as client:
        client.on(ServerMessageType.ERROR, errors.put_nowait)
        await client.start_session(transcription_config=TranscriptionConfig(language="en"), audio_format=FORMAT)
        await client.send_audio(samples[:4096])
        await asyncio.to_thread(voxgate.revoke_key, key)
        error = await asyncio.wait_for(errors.get(), 10)
        assert error["type"] == "not_authorised"
        assert "revoked" in error["reason"]

        async def send_on() -> None:
            while True:
                await client.send_audio(samples[:4096])
                await asyncio.sleep(0.02)

        with pytest.raises(TransportError):
            await asyncio.wait_for(send_on(), 10)


# How each ending of an open session looks: the type of the `Error`, and what its sentence says.
ENDINGS = {
    "revoked": ("not_authorised", r"was revoked"),
    "ended_by_owner": ("not_allowed", r"^maintenance at noon$"),
    "expiry": ("not_authorised", r"has expired, and its sessions end with it.*\(credential_expired\)"),
    "session_limit": ("session_timeout", r"lasted 1s.*\(session_over\)"),
    "audio_limit": ("timelimit_exceeded", r"1 seconds of audio that this temporary key.*\(audio_spent\)"),
    "quota": ("timelimit_exceeded", r"quota of 1 seconds of audio that this API key has.*\(audio_spent\)"),
    "idle": ("idle_timeout", r"neither audio nor a ping or pong"),
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_each_ending_of_a_session_is_its_own_error(
    voxgate: Voxgate, expired: Expired, samples: bytes, ending: str
) -> None:
    """The library hears the documented type and our reason, and can send nothing more."""
    server = expired.server if ending in ("expiry", "idle") else voxgate
    key = server.create_key(ending)
    if ending == "quota":
        server.set_quota(key, 1)
    leash: dict[str, Any] = {
        # Long enough to open the session on a busy machine, and over before the session is idle for too long.
        "expiry": {"ttl": 4, "end_at_expiry": True},
        "session_limit": {"max_session_seconds": 1},
        "audio_limit": {"max_audio_seconds": 1},
    }.get(ending, {})
    token = server.mint(key.secret, "rt", **leash)
    errors: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    async with AsyncClient(url=with_jwt(server.realtime_url, token)) as client:
        client.on(ServerMessageType.ERROR, errors.put_nowait)
        await client.start_session(transcription_config=TranscriptionConfig(language="en"), audio_format=FORMAT)
        if ending == "revoked":
            await asyncio.to_thread(server.revoke_key, key)
        elif ending == "ended_by_owner":
            await asyncio.to_thread(server.end_sessions, key, "maintenance at noon")
        elif ending in ("audio_limit", "quota"):
            for _ in range(12):
                try:
                    await client.send_audio(samples[:4096])
                except TransportError:
                    break
        error = await asyncio.wait_for(errors.get(), 20)
        kind, says = ENDINGS[ending]
        assert error["type"] == kind
        assert re.search(says, error["reason"]), error

        async def send_on() -> None:
            while True:
                await client.send_audio(samples[:4096])
                await asyncio.sleep(0.02)

        with pytest.raises(TransportError):
            await asyncio.wait_for(send_on(), 10)


@pytest.mark.parametrize(("leash", "says"), [({"uses": 1}, r"\(uses_spent\)"), ({"max_sessions": 1}, r"\(sessions_full\)")])
async def test_a_second_session_beyond_the_limit_is_refused(
    voxgate: Voxgate, samples: bytes, leash: dict[str, Any], says: str
) -> None:
    url = with_jwt(voxgate.realtime_url, voxgate.mint(voxgate.api_key, "rt", **leash))
    async with AsyncClient(url=url) as client:
        await client.start_session(transcription_config=TranscriptionConfig(language="en"), audio_format=FORMAT)
        with pytest.raises(TranscriptionError, match=says):
            await transcribe(samples, url)


def test_without_a_key_the_library_mints_nothing(voxgate: Voxgate) -> None:
    with pytest.raises(ValueError, match="API key required"):
        JWTAuth(mp_url=voxgate.management_url)
