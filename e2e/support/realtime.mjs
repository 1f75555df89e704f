// A realtime session with an API key in the header, which no browser can send.

import { WebSocket } from "ws";

const START = { message: "StartRecognition", audio_format: { type: "raw", encoding: "pcm_s16le", sample_rate: 16000 }, transcription_config: { language: "en" } };

/** Opens a session, with a key in the header if one is given, and waits until the engine recognises; `ended` tells the close code and the last message before it. */
export async function openSession(url, key) {
  const socket = new WebSocket(url, { headers: key && { Authorization: `Bearer ${key}` } });
  const messages = [];
  let started;
  const recognises = new Promise((resolve, reject) => {
    started = resolve;
    socket.once("error", reject);
    socket.once("close", (code) => reject(new Error(`closed with ${code}: ${JSON.stringify(messages.at(-1))}`)));
  });
  const ended = new Promise((resolve) => socket.once("close", (code) => resolve({ code, last: messages.at(-1) })));
  socket.on("message", (data, isBinary) => {
    if (isBinary) return;
    messages.push(JSON.parse(data.toString()));
    if (messages.at(-1).message === "RecognitionStarted") started();
  });
  socket.once("open", () => socket.send(JSON.stringify(START)));
  await recognises;
  return { socket, ended, messages };
}

/** Sends audio and ends the session as a client does. */
export async function speak(session, seconds = 1) {
  session.socket.send(Buffer.alloc(seconds * 32_000));
  session.socket.send(JSON.stringify({ message: "EndOfStream", last_seq_no: 1 }));
  return session.ended;
}
