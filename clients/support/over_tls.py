"""Run as a program of its own, so that the libraries make their TLS contexts under SSL_CERT_FILE: a job and a session over
https and wss. Prints what was understood, as one line of JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from io import BytesIO
from typing import Any

from sound import tone_bursts
from speechmatics.batch import AsyncClient as BatchClient
from speechmatics.batch import JWTAuth as BatchAuth
from speechmatics.batch import Transcript
from speechmatics.rt import AsyncClient as RtClient
from speechmatics.rt import AudioEncoding
from speechmatics.rt import AudioFormat
from speechmatics.rt import JWTAuth
from speechmatics.rt import ServerMessageType
from speechmatics.rt import TranscriptionConfig

FORMAT = AudioFormat(encoding=AudioEncoding.PCM_S16LE, sample_rate=16_000, chunk_size=4096)


async def session(samples: bytes, url: str, management_url: str, key: str) -> list[str]:
    """The kinds of all messages of a session that a minted key opened."""
    kinds: list[str] = []
    auth = JWTAuth(key, mp_url=management_url)
    async with RtClient(auth, url=url) as client:
        for kind in ServerMessageType:
            client.on(kind, lambda message: kinds.append(message["message"]))
        config = TranscriptionConfig(language="en")
        await client.transcribe(BytesIO(samples), transcription_config=config, audio_format=FORMAT, timeout=60)
    return kinds


async def job(wav: str, url: str, management_url: str, key: str) -> str:
    """The words of a job that a minted key submitted."""
    auth = BatchAuth(key, mp_url=management_url, ttl=600)
    async with BatchClient(auth, url=url) as client:
        submitted = await client.submit_job(wav)
        transcript = await client.wait_for_completion(submitted.id, timeout=60)
        assert isinstance(transcript, Transcript)
        return transcript.transcript_text


async def main(wav: str, base: str, key: str) -> dict[str, Any]:
    management_url = f"https://{base}"
    return {
        "text": await job(wav, f"https://{base}/v2", management_url, key),
        "kinds": await session(tone_bursts(), f"wss://{base}/v2", management_url, key),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
