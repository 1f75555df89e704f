"""speechmatics-python, batch: with an API key, and with a temporary key in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from typing import Optional

import httpx
import pytest
from credentials import Expired
from credentials import Keys
from credentials import Orphans
from speechmatics.batch_client import BatchClient
from speechmatics.exceptions import JobNotFoundException
from speechmatics.models import BatchTranscriptionConfig
from speechmatics.models import ConnectionSettings
from voxgate import Voxgate
from voxgate import mistyped
from voxgate import wait_until

ENGLISH = BatchTranscriptionConfig(language="en")


def client_of(url: str, key: Optional[str]) -> BatchClient:
    return BatchClient(ConnectionSettings(url=url, auth_token=key))


def submit_and_wait(client: BatchClient, wav: Path) -> str:
    """The library's own wait looks only every 15 s, so the job is let finish before it is asked."""
    job: str = client.submit_job(str(wav), ENGLISH)
    wait_until("the end of the job", lambda: client.check_job_status(job)["job"]["status"] == "done", 60)
    return job


def whole_life_of_a_job(client: BatchClient, wav: Path) -> None:
    job = submit_and_wait(client, wav)
    text = client.wait_for_completion(job, "txt")
    assert isinstance(text, str) and text.strip()
    transcript: Any = client.get_job_result(job, "json-v2")
    assert transcript["results"] and transcript["job"]["id"] == job
    assert "-->" in client.get_job_result(job, "srt")
    assert job in [listed["id"] for listed in client.list_jobs()]
    assert client.delete_job(job) == f"Job {job} deleted"
    assert job not in [listed["id"] for listed in client.list_jobs()]
    with pytest.raises(JobNotFoundException):
        client.check_job_status(job)


@pytest.mark.parametrize("minted", [False, True])
def test_a_key_carries_a_job_through_its_life(voxgate: Voxgate, wav: Path, minted: bool) -> None:
    key = voxgate.mint(voxgate.api_key, "batch", client_ref="erin") if minted else voxgate.api_key
    with client_of(voxgate.batch_url, key) as client:
        whole_life_of_a_job(client, wav)


@pytest.mark.parametrize(
    ("case", "status", "reason"),
    [
        ("none", 401, "credential_missing"),
        ("mistyped", 401, "credential_unknown"),
        ("mistyped_temporary", 401, "token_invalid"),
        ("revoked", 401, "credential_revoked"),
        ("revoked_parent", 401, "credential_revoked"),
        ("expired", 401, "credential_expired"),
        ("wrong_product", 403, "wrong_product"),
        ("wrong_product_temporary", 403, "wrong_product"),
        ("wrong_area", 403, "wrong_area"),
    ],
)
def test_a_bad_credential_is_an_error_that_carries_our_reason(
    voxgate: Voxgate, keys: Keys, expired: Expired, orphans: Orphans, wav: Path, case: str, status: int, reason: str
) -> None:
    url = voxgate.batch_url
    url, key = {
        "none": (url, None),
        "mistyped": (url, keys.mistyped),
        "mistyped_temporary": (url, mistyped(voxgate.mint(voxgate.api_key, "batch"))),
        "revoked": (url, keys.revoked),
        "revoked_parent": (url, orphans.batch),
        "expired": (expired.server.batch_url, expired.batch),
        "wrong_product": (url, keys.rt_only),
        "wrong_product_temporary": (url, voxgate.mint(voxgate.api_key, "rt")),
        "wrong_area": (voxgate.region("us1", "batch_url"), voxgate.api_key),
    }[case]
    with client_of(url, key) as client:
        for call in (
            client.list_jobs,
            lambda: client.submit_job(str(wav), ENGLISH),
            lambda: client.check_job_status("anything"),
            lambda: client.get_job_result("anything"),
            lambda: client.delete_job("anything"),
        ):
            with pytest.raises(httpx.HTTPStatusError) as refusal:
                call()
            assert type(refusal.value) is httpx.HTTPStatusError
            response = refusal.value.response
            assert (response.status_code, response.json()["reason"]) == (status, reason)
            assert response.json()["error"] == ("Permission Denied" if status == 401 else "Forbidden")


def test_a_foreign_client_ref_finds_no_job(voxgate: Voxgate, wav: Path) -> None:
    def client_for(client_ref: str) -> BatchClient:
        return client_of(voxgate.batch_url, voxgate.mint(voxgate.api_key, "batch", client_ref=client_ref))

    with client_for("frank") as frank, client_for("grace") as grace:
        job = submit_and_wait(frank, wav)
        for foreign in (job, "never-there"):
            for call in (grace.check_job_status, grace.get_job_result, grace.delete_job):
                with pytest.raises(JobNotFoundException):
                    call(foreign)
        assert job not in [listed["id"] for listed in grace.list_jobs()]
        assert [listed["id"] for listed in frank.list_jobs()] == [job]
        assert frank.delete_job(job) == f"Job {job} deleted"
