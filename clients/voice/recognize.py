"""A recogniser for `voxgate dev --recognizer "python clients/voice/recognize.py {wav}"`: PocketSphinx, for English.

Reads one WAV file, writes one line of text. It is for trying and for tests: a small model from another age, but real words.
"""

from __future__ import annotations

import sys
import wave

import numpy
from pocketsphinx import Decoder

MODEL_RATE = 16_000


def samples_of(path: str) -> numpy.ndarray:
    """The file's samples at the model's rate, one channel, 16 bits."""
    with wave.open(path, "rb") as file:
        if file.getsampwidth() != 2:
            raise SystemExit(f"{path} has {8 * file.getsampwidth()} bits a sample; 16 are expected")
        channels, rate = file.getnchannels(), file.getframerate()
        raw = numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    mono = raw.reshape(-1, channels).mean(axis=1)
    length = len(mono) * MODEL_RATE // rate
    return numpy.interp(numpy.arange(length) * (rate / MODEL_RATE), numpy.arange(len(mono)), mono).astype("<i2")


def recognise(samples: numpy.ndarray) -> str:
    decoder = Decoder(samprate=MODEL_RATE, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(samples.tobytes(), full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return hypothesis.hypstr if hypothesis else ""


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: recognize.py FILE.wav")
    print(recognise(samples_of(sys.argv[1])))
