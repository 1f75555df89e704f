"""Sound for the tests: bursts of a tone, which the sandbox engine takes for words."""

from __future__ import annotations

import io
import math
import struct
import wave

SAMPLE_RATE = 16_000


def tone_bursts(bursts: int = 4) -> bytes:
    """Signed 16-bit samples: silence and a tone in turn, 300 ms each."""
    length = SAMPLE_RATE * 3 // 10
    silence = b"\0\0" * length
    tone = b"".join(
        struct.pack("<h", int(12_000 * math.sin(2 * math.pi * 440 * sample / SAMPLE_RATE))) for sample in range(length)
    )
    return (silence + tone) * bursts + silence


def as_wav(samples: bytes) -> bytes:
    """The samples as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE)
        writer.writeframes(samples)
    return file.getvalue()
