"""speechmatics-batch: with an API key and with `JWTAuth`, asynchronous and not."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest
from credentials import Expired
from credentials import Keys
from credentials import Orphans
from refusals import minting
from speechmatics.batch import AsyncClient
from speechmatics.batch import AuthenticationError
from speechmatics.batch import Client
from speechmatics.batch import FormatType
from speechmatics.batch import JobError
from speechmatics.batch import JobStatus
from speechmatics.batch import JWTAuth
from speechmatics.batch import StaticKeyAuth
from speechmatics.batch import Transcript
from speechmatics.batch import TranscriptNotReadyError
from speechmatics.batch import TranscriptionConfig
from speechmatics.batch._auth import AuthBase
from voxgate import Voxgate
from voxgate import mistyped

ENGLISH = TranscriptionConfig(language="en")
UNAUTHORISED = "Invalid API key - authentication failed"
FORBIDDEN = "Access forbidden - check API key permissions"


class NoCredential(AuthBase):
    """What the library offers for authentication of one's own, and nothing in it."""

    async def get_auth_headers(self) -> dict[str, str]:
        return {}


async def whole_life_of_a_job(client: AsyncClient, wav: Path) -> None:
    """Submit, wait, read in all three forms, list, delete."""
    job = await client.submit_job(str(wav), transcription_config=ENGLISH)
    transcript = await client.wait_for_completion(job.id, timeout=60)
    assert isinstance(transcript, Transcript)
    assert transcript.transcript_text.strip()
    info = await client.get_job_info(job.id)
    assert info.status is JobStatus.DONE
    assert info.data_name == wav.name
    text = await client.get_transcript(job.id, format_type=FormatType.TXT)
    assert isinstance(text, str) and text.strip()
    subtitles = await client.get_transcript(job.id, format_type=FormatType.SRT)
    assert isinstance(subtitles, str) and "-->" in subtitles
    assert job.id in [listed.id for listed in await client.list_jobs()]

    await client.delete_job(job.id)
    assert job.id not in [listed.id for listed in await client.list_jobs()]
    with pytest.raises(JobError, match="Job not found"):
        await client.get_job_info(job.id)


async def test_an_api_key_carries_a_job_through_its_life(voxgate: Voxgate, wav: Path) -> None:
    async with AsyncClient(api_key=voxgate.api_key, url=voxgate.batch_url) as client:
        await whole_life_of_a_job(client, wav)


@pytest.mark.parametrize("client_ref", [None, "alice"])
async def test_a_minted_key_carries_a_job_through_its_life(voxgate: Voxgate, wav: Path, client_ref: Optional[str]) -> None:
    auth = JWTAuth(voxgate.api_key, mp_url=voxgate.management_url, client_ref=client_ref, ttl=3600)
    async with AsyncClient(auth, url=voxgate.batch_url) as client:
        await whole_life_of_a_job(client, wav)


async def test_waiting_in_the_submit_gives_the_transcript_at_once(voxgate: Voxgate, wav: Path) -> None:
    async with AsyncClient(api_key=voxgate.api_key, url=voxgate.batch_url) as client:
        transcript = await client.transcribe(str(wav), transcription_config=ENGLISH, wait=30, timeout=60)
        assert isinstance(transcript, Transcript) and transcript.transcript_text.strip()


@pytest.mark.parametrize("minted", [False, True])
def test_the_synchronous_client_does_the_same(voxgate: Voxgate, wav: Path, minted: bool) -> None:
    auth = JWTAuth(voxgate.api_key, mp_url=voxgate.management_url) if minted else StaticKeyAuth(voxgate.api_key)
    with Client(auth, url=voxgate.batch_url) as client:
        job = client.submit_job(str(wav), transcription_config=ENGLISH)
        assert client.wait_for_completion(job.id, timeout=60).transcript_text.strip()
        assert job.id in [listed.id for listed in client.list_jobs()]
        client.delete_job(job.id)
        assert job.id not in [listed.id for listed in client.list_jobs()]


@pytest.mark.parametrize(("region", "area"), [("eu2", "eu"), ("us1", "usa"), ("us2", "usa"), ("au1", "au")])
async def test_every_region_takes_the_keys_of_its_area(voxgate: Voxgate, wav: Path, region: str, area: str) -> None:
    url = voxgate.region(region, "batch_url")
    key = voxgate.create_key(f"for {region}", areas=(area,)).secret
    async with AsyncClient(api_key=key, url=url) as client:
        await whole_life_of_a_job(client, wav)
    auth = JWTAuth(key, mp_url=voxgate.management_url, region=area)  # type: ignore[arg-type]
    async with AsyncClient(auth, url=url) as client:
        await whole_life_of_a_job(client, wav)


def case_of(voxgate: Voxgate, keys: Keys, expired: Expired, orphans: Orphans, case: str) -> tuple[str, AuthBase]:
    """Where to go, and with what."""
    here = voxgate.batch_url
    cases: dict[str, tuple[str, str]] = {
        "mistyped": (here, keys.mistyped),
        "mistyped_temporary": (here, mistyped(voxgate.mint(voxgate.api_key, "batch"))),
        "revoked": (here, keys.revoked),
        "revoked_parent": (here, orphans.batch),
        "expired": (expired.server.batch_url, expired.batch),
        "wrong_product": (here, keys.rt_only),
        "wrong_product_temporary": (here, voxgate.mint(voxgate.api_key, "rt")),
        "wrong_area": (voxgate.region("us1", "batch_url"), voxgate.api_key),
        "wrong_area_temporary": (voxgate.region("us1", "batch_url"), voxgate.mint(voxgate.api_key, "batch")),
    }
    if case == "none":
        return here, NoCredential()
    url, credential = cases[case]
    return url, StaticKeyAuth(credential)


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("none", UNAUTHORISED),
        ("mistyped", UNAUTHORISED),
        ("mistyped_temporary", UNAUTHORISED),
        ("revoked", UNAUTHORISED),
        ("revoked_parent", UNAUTHORISED),
        ("expired", UNAUTHORISED),
        ("wrong_product", FORBIDDEN),
        ("wrong_product_temporary", FORBIDDEN),
        ("wrong_area", FORBIDDEN),
        ("wrong_area_temporary", FORBIDDEN),
    ],
)
async def test_a_bad_credential_is_the_librarys_authentication_error(
    voxgate: Voxgate, keys: Keys, expired: Expired, orphans: Orphans, wav: Path, case: str, message: str
) -> None:
    """On every call; the library shows a text of its own for 401 and 403."""
    url, auth = case_of(voxgate, keys, expired, orphans, case)
    async with AsyncClient(auth, url=url) as client:
        for call in (
            lambda: client.list_jobs(),
            lambda: client.submit_job(str(wav), transcription_config=ENGLISH),
            lambda: client.get_job_info("anything"),
            lambda: client.get_transcript("anything"),
            lambda: client.delete_job("anything"),
        ):
            with pytest.raises(AuthenticationError) as refusal:
                await call()
            assert type(refusal.value) is AuthenticationError
            assert str(refusal.value) == message


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
    voxgate: Voxgate, keys: Keys, expired: Expired, case: str, status: int, reason: str
) -> None:
    server, key = {
        "mistyped": (voxgate, keys.mistyped),
        "revoked": (voxgate, keys.revoked),
        "expired": (expired.server, expired.batch),
        "temporary": (voxgate, voxgate.mint(voxgate.api_key, "batch")),
        "wrong_product": (voxgate, keys.rt_only),
        "wrong_area": (voxgate, keys.usa),
    }[case]
    auth = JWTAuth(key, mp_url=server.management_url)
    async with AsyncClient(auth, url=server.batch_url) as client:
        with pytest.raises(AuthenticationError) as refusal:
            await client.list_jobs()
    assert type(refusal.value) is AuthenticationError
    got, body = minting(refusal.value)
    assert (got, body["reason"]) == (status, reason)
    assert body["message"] and body["detail"], body

    with Client(auth, url=server.batch_url) as client, pytest.raises(AuthenticationError) as refusal:
        client.list_jobs()
    assert minting(refusal.value) == (got, body)


async def test_a_ttl_out_of_range_is_refused_with_the_bound(voxgate: Voxgate) -> None:
    """The library allows a day for all products; a batch key lives for an hour at most."""
    auth = JWTAuth(voxgate.api_key, mp_url=voxgate.management_url, ttl=3601)
    async with AsyncClient(auth, url=voxgate.batch_url) as client:
        with pytest.raises(AuthenticationError) as refusal:
            await client.list_jobs()
    status, body = minting(refusal.value)
    assert (status, body["reason"]) == (422, "invalid_value")
    assert body["message"] == "ttl in body should be less than or equal to 3600"


def test_without_a_key_the_library_sends_nothing(voxgate: Voxgate) -> None:
    with pytest.raises(ValueError, match="API key required"):
        AsyncClient(url=voxgate.batch_url)
    with pytest.raises(ValueError, match="API key required"):
        JWTAuth(mp_url=voxgate.management_url)


async def test_a_client_ref_sees_its_own_jobs_and_no_others(voxgate: Voxgate, wav: Path) -> None:
    """A foreign job is one that doesn't exist: to read, to list, to delete."""

    def client_of(client_ref: str) -> AsyncClient:
        auth = JWTAuth(voxgate.api_key, mp_url=voxgate.management_url, client_ref=client_ref)
        return AsyncClient(auth, url=voxgate.batch_url)

    async with client_of("carol") as carol, client_of("dave") as dave:
        job = await carol.submit_job(str(wav), transcription_config=ENGLISH)
        await carol.wait_for_completion(job.id, timeout=60)

        for foreign in (job.id, "never-there"):
            with pytest.raises(JobError, match="HTTP 404.*Job not found") as refusal:
                await dave.get_job_info(foreign)
            assert type(refusal.value) is JobError
            with pytest.raises(TranscriptNotReadyError):
                await dave.get_transcript(foreign)
            with pytest.raises(JobError, match="HTTP 404.*Job not found"):
                await dave.delete_job(foreign)
        assert job.id not in [listed.id for listed in await dave.list_jobs()]

        # The same calls by whom the job belongs to.
        assert (await carol.get_job_info(job.id)).status is JobStatus.DONE
        assert [listed.id for listed in await carol.list_jobs()] == [job.id]
        async with AsyncClient(api_key=voxgate.api_key, url=voxgate.batch_url) as project:
            assert job.id in [listed.id for listed in await project.list_jobs()]
        await carol.delete_job(job.id)
