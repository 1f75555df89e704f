// The calls of the three libraries, with plain data in and plain data out, so that the same tests can make them in Node
// and, bundled, in a browser. The libraries themselves are imported as their users import them.

import { createSpeechmaticsJWT } from "@speechmatics/auth";
import { BatchClient } from "@speechmatics/batch-client";
import { RealtimeClient } from "@speechmatics/real-time-client";

const CHUNK_BYTES = 4096;
const CLOSE_MILLISECONDS_MAX = 10_000;

/** What a library's error shows to whoever catches it. */
function shown(error) {
  const { name, message, type, error: kind, response, cause } = error;
  const plainCause = cause && !(cause instanceof Error) ? cause : undefined;
  return { name, message, type, kind, response, cause: plainCause };
}

async function outcome(work) {
  try {
    return { value: await work() };
  } catch (error) {
    return { error: shown(error) };
  }
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** `createSpeechmaticsJWT`. */
export function mint(options) {
  return outcome(() => createSpeechmaticsJWT(options));
}

/** A method of `BatchClient`. An argument `{wav, fileName}` becomes a file. */
export function batch({ apiKey, apiUrl }, method, ...args) {
  const given = args.map((arg) => (arg?.wav ? { data: new Blob([bytes(arg.wav)]), fileName: arg.fileName } : arg));
  return outcome(() => new BatchClient({ apiKey, apiUrl, appId: "voxgate-tests" })[method](...given));
}

/** A client, what comes back to it, and the code of its close. */
function listening(url) {
  const client = new RealtimeClient({ url, appId: "voxgate-tests" });
  const messages = [];
  client.addEventListener("receiveMessage", ({ data }) => messages.push(data));
  const closed = new Promise((resolve) => {
    client.addEventListener("socketStateChange", ({ socketState }) => {
      if (socketState === "connecting") client.socket.addEventListener("close", ({ code }) => resolve(code));
    });
  });
  const closeCode = () => {
    const late = new Promise((resolve) => setTimeout(() => resolve("not closed"), CLOSE_MILLISECONDS_MAX));
    return Promise.race([closed, late]);
  };
  return { client, messages, closeCode };
}

const RECOGNITION = {
  audio_format: { type: "raw", encoding: "pcm_s16le", sample_rate: 16_000 },
  transcription_config: { language: "en" },
};

/** A whole session of `RealtimeClient`: everything that came back, how it ended, and the code of the close. */
export async function transcribe({ url, jwt }, samples) {
  const { client, messages, closeCode } = listening(url);
  const ended = await outcome(async () => {
    await client.start(jwt, RECOGNITION);
    const audio = bytes(samples);
    for (let at = 0; at < audio.length; at += CHUNK_BYTES) client.sendAudio(audio.slice(at, at + CHUNK_BYTES));
    await client.stopRecognition();
  });
  return { messages, ...ended, closeCode: await closeCode() };
}

let held;

/** Starts a session and keeps it open. */
export async function hold({ url, jwt }) {
  held = listening(url);
  return outcome(() => held.client.start(jwt, RECOGNITION).then(({ message }) => message));
}

/** Sends audio in the session that is kept open, as long as it takes any. */
export function heldSend(samples) {
  return outcome(async () => {
    const audio = bytes(samples);
    for (let at = 0; at < audio.length; at += CHUNK_BYTES) held.client.sendAudio(audio.slice(at, at + CHUNK_BYTES));
  });
}

/** Waits for the end of the session that is kept open. */
export async function heldEnd() {
  const closeCode = await held.closeCode();
  const { error } = await outcome(() => held.client.sendAudio(new Uint8Array(2)));
  return { last: held.messages.at(-1), closeCode, sendingAfterwards: error };
}
