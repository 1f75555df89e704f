// A realtime session in the page, with the temporary key that the server has put there.

import { fileSource, microphoneSource } from "./sound.js";

/** Frames that the page keeps. */
const FRAMES_MAX = 300;
/** Characters of a frame that are shown. */
const FRAME_CHARACTERS_MAX = 2000;
/** Bytes that may wait in the socket before sound is held back. */
const WAITING_BYTES_MAX = 1_000_000;

/** @type {(id: string) => HTMLElement} */
const element = (id) => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no ${id}`);
  return found;
};

const page = {
  key: /** @type {HTMLTextAreaElement} */ (element("temporary-key")),
  url: /** @type {HTMLSelectElement} */ (element("endpoint")),
  language: /** @type {HTMLInputElement} */ (element("language")),
  file: /** @type {HTMLInputElement} */ (element("file")),
  microphone: /** @type {HTMLButtonElement} */ (element("start-microphone")),
  fromFile: /** @type {HTMLButtonElement} */ (element("start-file")),
  stop: /** @type {HTMLButtonElement} */ (element("stop")),
  state: element("state"),
  finals: element("finals"),
  partial: element("partial"),
  frames: element("frames"),
  revoke: /** @type {HTMLFormElement} */ (element("revoke")),
  revoked: element("revoked"),
};

/** @param {string} text */
function say(text) {
  page.state.textContent = text;
}

/** When the session began, for the times of frames. */
let startedAt = performance.now();

/**
 * Writes a frame into the log; the oldest ones go.
 * @param {"sent" | "received" | "ended"} kind
 * @param {string} text
 */
function log(kind, text) {
  const line = document.createElement("li");
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(2).padStart(6);
  const arrow = { sent: "→", received: "←", ended: "■" }[kind];
  const shown = text.length > FRAME_CHARACTERS_MAX ? `${text.slice(0, FRAME_CHARACTERS_MAX)}…` : text;
  line.className = kind;
  line.textContent = `${seconds} ${arrow} ${shown}`;
  const isAtEnd = page.frames.scrollTop + page.frames.clientHeight >= page.frames.scrollHeight - 40;
  page.frames.append(line);
  while (page.frames.childElementCount > FRAMES_MAX) page.frames.firstElementChild?.remove();
  if (isAtEnd) page.frames.scrollTop = page.frames.scrollHeight;
}

/** The line of the latest frames that say that sound has arrived, and how many of them there are. */
let arrivals = { line: /** @type {Element | null} */ (null), count: 0 };

/**
 * Logs a frame that says that sound has arrived. There are several a second: those in a row share a line, which shows the latest.
 * @param {string} text
 */
function logArrival(text) {
  const last = page.frames.lastElementChild;
  const isInARow = last !== null && last === arrivals.line;
  if (isInARow) last.remove();
  const count = isInARow ? arrivals.count + 1 : 1;
  log("received", count > 1 ? `${text} (${count} such frames in a row)` : text);
  arrivals = { line: page.frames.lastElementChild, count };
}

/** One session, from its opening to its end. */
class Session {
  /** @param {import("./sound.js").Source} source */
  constructor(source) {
    this.source = source;
    this.sentChunks = 0;
    this.sentBytes = 0;
    this.isStarted = false;
    /** What the server gave as the reason before it closed. */
    this.reason = "";
    const url = new URL(page.url.value);
    // The one secret that the protocol wants in a URL: a browser can't set the header of a WebSocket.
    url.searchParams.set("jwt", page.key.value.trim());
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.start();
    this.socket.onmessage = (event) => this.take(String(event.data));
    this.socket.onclose = (event) => this.end(event);
  }

  /** @param {Record<string, unknown>} message */
  send(message) {
    const text = JSON.stringify(message);
    this.socket.send(text);
    log("sent", text);
  }

  start() {
    this.send({
      message: "StartRecognition",
      audio_format: { type: "raw", encoding: "pcm_s16le", sample_rate: this.source.sampleRate },
      transcription_config: { language: page.language.value.trim() || "en", enable_partials: true },
    });
  }

  /** @param {string} text */
  take(text) {
    /** @type {any} */
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      log("received", text);
      return;
    }
    if (message.message === "AudioAdded") {
      logArrival(text);
      return;
    }
    log("received", text);
    switch (message.message) {
      case "RecognitionStarted":
        this.isStarted = true;
        say("Listening.");
        this.source.start((samples) => this.sound(samples), () => this.finish());
        break;
      case "AddPartialTranscript":
        page.partial.textContent = message.metadata?.transcript ?? "";
        break;
      case "AddTranscript":
        page.finals.append(message.metadata?.transcript ?? "");
        page.partial.textContent = "";
        break;
      case "Error":
        this.reason = `${message.type}: ${message.reason}`;
        break;
      case "EndOfTranscript":
        this.socket.close(1000);
        break;
    }
  }

  /**
   * Sends sound. Returns false where the network is slower than the sound.
   * @param {Int16Array} samples
   * @returns {boolean}
   */
  sound(samples) {
    if (this.socket.readyState !== WebSocket.OPEN) return true;
    if (this.socket.bufferedAmount > WAITING_BYTES_MAX) return false;
    this.socket.send(samples);
    this.sentChunks += 1;
    this.sentBytes += samples.byteLength;
    return true;
  }

  /** Says that no more sound comes; the last words do. */
  finish() {
    this.source.stop();
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (!this.isStarted) {
      this.socket.close(1000);
      return;
    }
    say("Waiting for the last words.");
    this.send({ message: "EndOfStream", last_seq_no: this.sentChunks });
  }

  /** @param {CloseEvent} event */
  end(event) {
    this.source.stop();
    const why = this.reason || event.reason;
    const text = `Ended with close code ${event.code}${why ? `, ${why}` : ""}.`;
    log("ended", `${text} ${this.sentBytes} bytes of sound were sent in ${this.sentChunks} frames.`);
    say(event.code === 1006 && !why ? `${text} The server could not be reached, or went away.` : text);
    running(null);
  }
}

/** @type {Session | null} */
let session = null;

/** @param {Session | null} now */
function running(now) {
  session = now;
  page.microphone.disabled = now !== null;
  page.fromFile.disabled = now !== null;
  page.stop.disabled = now === null;
}

/** @param {() => Promise<import("./sound.js").Source>} open */
async function begin(open) {
  page.finals.textContent = "";
  page.partial.textContent = "";
  page.frames.replaceChildren();
  page.microphone.disabled = true;
  page.fromFile.disabled = true;
  /** @type {import("./sound.js").Source | undefined} */
  let source;
  try {
    source = await open();
    startedAt = performance.now();
    say("Connecting.");
    running(new Session(source));
  } catch (error) {
    source?.stop();
    running(null);
    say(error instanceof Error ? error.message : String(error));
  }
}

page.microphone.addEventListener("click", () => begin(microphoneSource));
page.fromFile.addEventListener("click", () => {
  const file = page.file.files?.[0];
  if (!file) {
    say("Choose a file with sound first.");
    page.file.focus();
    return;
  }
  begin(() => fileSource(file));
});
page.stop.addEventListener("click", () => session?.finish());

// Revoking is a form that works without this script; with it, the page stays, so that the end of the session can be seen.
page.revoke.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(page.revoke)) fields.append(name, String(value));
  try {
    const answer = await fetch(page.revoke.action, { method: "POST", body: fields, redirect: "manual" });
    const isDone = answer.type === "opaqueredirect" || answer.ok;
    page.revoked.textContent = isDone ? "It is revoked." : `It was not revoked: the server answered ${answer.status}.`;
  } catch {
    page.revoked.textContent = "It was not revoked: the server could not be reached.";
  }
});

running(null);
