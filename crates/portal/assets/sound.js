// Where sound comes from: the microphone, or a file that is played at its own speed. Both give 16-bit samples of one channel.

/**
 * @typedef {object} Source
 * @property {number} sampleRate samples per second
 * @property {(give: (samples: Int16Array) => boolean, ended: () => void) => void} start
 *   `give` returns false where it can't take more at the moment
 * @property {() => void} stop
 */

/** Samples per second of files; the rate that engines like best. */
const FILE_RATE = 16000;
/** Samples that go into one frame, from the microphone at least. */
const FRAME_SAMPLES = 4096;

/**
 * @param {Float32Array} samples from -1 to 1
 * @returns {Int16Array}
 */
export function toInt16(samples) {
  const result = new Int16Array(samples.length);
  for (let index = 0; index < samples.length; index += 1) {
    const sample = Math.max(-1, Math.min(1, samples[index] ?? 0));
    result[index] = Math.round(sample * 32767);
  }
  return result;
}

/** @returns {Promise<Source>} */
export async function microphoneSource() {
  if (!navigator.mediaDevices) throw new Error("This page may not use a microphone: it must be opened by https, or on localhost.");
  /** @type {MediaStream} */
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  } catch {
    throw new Error("The microphone can't be used: there is none, or the browser was not allowed to.");
  }
  const context = new AudioContext();
  await context.audioWorklet.addModule(new URL("./recorder.js", import.meta.url));
  const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
  const gathered = new Float32Array(FRAME_SAMPLES);
  let filled = 0;
  return {
    sampleRate: context.sampleRate,
    start(give) {
      recorder.port.onmessage = (event) => {
        /** @type {Float32Array} */
        const piece = event.data;
        if (filled + piece.length > FRAME_SAMPLES) {
          give(toInt16(gathered.subarray(0, filled)));
          filled = 0;
        }
        gathered.set(piece, filled);
        filled += piece.length;
      };
      context.createMediaStreamSource(stream).connect(recorder);
      void context.resume();
    },
    stop() {
      recorder.port.onmessage = null;
      for (const track of stream.getTracks()) track.stop();
      if (context.state !== "closed") void context.close();
    },
  };
}

/**
 * @param {File} file
 * @returns {Promise<Source>}
 */
export async function fileSource(file) {
  /** @type {AudioBuffer} */
  let sound;
  try {
    // Decoding resamples to the context's own rate.
    sound = await new OfflineAudioContext(1, 1, FILE_RATE).decodeAudioData(await file.arrayBuffer());
  } catch {
    throw new Error("This file holds no sound that the browser can read: choose a WAV, MP3, Ogg or M4A file.");
  }
  const samples = toInt16(sound.getChannelData(0));
  let at = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;
  return {
    sampleRate: FILE_RATE,
    start(give, ended) {
      timer = setInterval(() => {
        const piece = samples.subarray(at, at + FRAME_SAMPLES);
        if (give(piece)) at += piece.length;
        if (at >= samples.length) ended();
      }, (1000 * FRAME_SAMPLES) / FILE_RATE);
    },
    stop() {
      clearInterval(timer);
    },
  };
}
