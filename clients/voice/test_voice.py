"""A recorded human voice goes in, and real words come back: batch and realtime, with an API key and with a minted one."""

from __future__ import annotations

import io
import re
import shlex
import sys
import wave
from pathlib import Path
from typing import Any
from typing import Iterator

import moonshine_voice
import pytest
from speechmatics import batch
from speechmatics import rt
from voxgate import Voxgate

RECORDINGS = Path(moonshine_voice.__file__).parent / "assets"
# The opening of A Tale of Two Cities, 44 s at 48 kHz; the recogniser hears most of it.
TWO_CITIES = RECORDINGS / "two_cities.wav"
TWO_CITIES_WORDS = {"best", "times", "worst", "age", "wisdom", "foolishness", "season", "light", "spring", "hope", "winter"}
OPENING_SECONDS = 12
OPENING_WORDS = {"best", "times", "worst", "age", "wisdom", "foolishness"}
# A line of Beckett's, 10 s at 16 kHz.
BECKETT = RECORDINGS / "beckett.wav"
BECKETT_WORDS = {"ever", "try", "again", "failed"}
# Recognising takes seconds on an idle processor; this one may have other work.
RECOGNITION_SECONDS_MAX = 240

pytestmark = pytest.mark.timeout(RECOGNITION_SECONDS_MAX + 60)


@pytest.fixture(scope="module")
def voxgate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Voxgate]:
    """`voxgate dev` with a recogniser behind its sandbox engine."""
    recogniser = shlex.join([sys.executable, str(Path(__file__).with_name("recognize.py")), "{wav}"])
    server = Voxgate(tmp_path_factory.mktemp("voice"), "--recognizer", recogniser)
    yield server
    server.stop()


def assert_heard(expected: set[str], text: str) -> None:
    """Most of the words that were said; a small recogniser misses some."""
    heard = expected & set(re.findall(r"[a-z']+", text.lower()))
    assert len(heard) * 4 >= len(expected) * 3, f"of {sorted(expected)} only {sorted(heard)} in: {text}"


async def listen(client: rt.AsyncClient, audio: bytes, audio_format: rt.AudioFormat) -> str:
    """Sends the audio, and gives the text of all final transcripts."""
    finals: list[str] = []

    def keep(message: dict[str, Any]) -> None:
        finals.append(message["metadata"]["transcript"])

    client.on(rt.ServerMessageType.ADD_TRANSCRIPT, keep)
    async with client:
        await client.transcribe(
            io.BytesIO(audio),
            transcription_config=rt.TranscriptionConfig(language="en"),
            audio_format=audio_format,
            timeout=RECOGNITION_SECONDS_MAX,
        )
    return " ".join(finals)


async def test_a_job_brings_the_words_back(voxgate: Voxgate) -> None:
    async with batch.AsyncClient(api_key=voxgate.api_key, url=voxgate.batch_url) as client:
        job = await client.submit_job(str(TWO_CITIES), transcription_config=batch.TranscriptionConfig(language="en"))
        transcript = await client.wait_for_completion(job.id, timeout=RECOGNITION_SECONDS_MAX)
        assert_heard(TWO_CITIES_WORDS, transcript.transcript_text)
        text = await client.get_transcript(job.id, format_type=batch.FormatType.TXT)
        assert_heard(TWO_CITIES_WORDS, text)


async def test_a_job_with_a_minted_key_brings_the_words_back(voxgate: Voxgate) -> None:
    auth = batch.JWTAuth(voxgate.api_key, mp_url=voxgate.management_url, client_ref="alice")
    async with batch.AsyncClient(auth, url=voxgate.batch_url) as client:
        transcript = await client.transcribe(
            str(BECKETT), transcription_config=batch.TranscriptionConfig(language="en"), timeout=RECOGNITION_SECONDS_MAX
        )
        assert_heard(BECKETT_WORDS, transcript.transcript_text)


async def test_raw_audio_brings_the_words_back_as_it_goes(voxgate: Voxgate) -> None:
    with wave.open(str(TWO_CITIES), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        rate = file.getframerate()
        opening = file.readframes(rate * OPENING_SECONDS)
    audio_format = rt.AudioFormat(encoding=rt.AudioEncoding.PCM_S16LE, sample_rate=rate, chunk_size=8192)
    client = rt.AsyncClient(api_key=voxgate.api_key, url=voxgate.realtime_url)
    assert_heard(OPENING_WORDS, await listen(client, opening, audio_format))


async def test_a_file_with_a_minted_key_brings_the_words_back_as_it_goes(voxgate: Voxgate) -> None:
    auth = rt.JWTAuth(voxgate.api_key, mp_url=voxgate.management_url)
    client = rt.AsyncClient(auth, url=voxgate.realtime_url)
    assert_heard(BECKETT_WORDS, await listen(client, BECKETT.read_bytes(), rt.AudioFormat(chunk_size=8192)))
