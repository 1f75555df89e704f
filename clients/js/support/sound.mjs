// Sound for the tests: bursts of a tone, which the sandbox engine takes for words.

export const SAMPLE_RATE = 16_000;

/** Signed 16-bit samples: silence and a tone in turn, 300 ms each. */
export function toneBursts(bursts = 4) {
  const length = (SAMPLE_RATE * 3) / 10;
  const samples = new Int16Array(length * (2 * bursts + 1));
  for (let burst = 0; burst < bursts; burst += 1) {
    const start = length * (2 * burst + 1);
    for (let at = 0; at < length; at += 1) {
      samples[start + at] = Math.round(12_000 * Math.sin((2 * Math.PI * 440 * at) / SAMPLE_RATE));
    }
  }
  return Buffer.from(samples.buffer);
}

/** The samples as a WAV file. */
export function asWav(samples) {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0, "latin1");
  head.writeUInt32LE(36 + samples.length, 4);
  head.write("WAVEfmt ", 8, "latin1");
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20); // PCM
  head.writeUInt16LE(1, 22); // one channel
  head.writeUInt32LE(SAMPLE_RATE, 24);
  head.writeUInt32LE(SAMPLE_RATE * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36, "latin1");
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}
