// The playground: a realtime session in the page, heard from Chromium's fake microphone and from a file, and its end.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { asWav, toneBursts } from "../clients/js/support/sound.mjs";
import { World } from "./support/world.mjs";

let world;
let owner;
before(async () => {
  world = await World.open();
  world.own = await world.workspace("Acme");
  owner = await world.person({ workspace: world.own.id });
  await world.own.key("for the playground");
});
after(() => world?.close());

/** Makes a temporary key and gives the page that may run a session with it. */
async function minted(options = {}) {
  const opened = await world.profile({ caller: owner, permissions: ["microphone"], ...options });
  await opened.page.goto("/playground");
  await opened.page.getByRole("button", { name: "Make a temporary key" }).click();
  await opened.page.getByRole("heading", { name: "Your temporary key" }).waitFor();
  return opened;
}

const state = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor({ timeout: 30_000 });
const frames = (page) => page.getByRole("list", { name: "Frames" }).getByRole("listitem").allTextContents();

test("a microphone is heard, and the session ends when its key is revoked meanwhile", async () => {
  const { context, page, faults } = await minted();
  await page.getByRole("button", { name: "Start with the microphone" }).click();
  await state(page, "Listening.");
  await page.getByRole("list", { name: "Frames" }).getByText("AudioAdded").first().waitFor();
  await page.getByRole("button", { name: "Revoke this temporary key" }).click();
  await state(page, /Ended with close code 4001, not_authorised: .*revoked/);
  const shown = await frames(page);
  for (const frame of ["StartRecognition", "RecognitionStarted", "not_authorised", "4001"]) {
    assert.ok(shown.some((text) => text.includes(frame)), `${frame} in ${shown.join("\n")}`);
  }
  await page.getByRole("button", { name: "Start with the microphone" }).click();
  await state(page, /Ended with close code 4001/);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a file is heard to its end, and its words are shown", async () => {
  const { context, page, faults } = await minted();
  await page.getByLabel("File with sound").setInputFiles({ name: "bursts.wav", mimeType: "audio/wav", buffer: asWav(toneBursts()) });
  await page.getByRole("button", { name: "Start with the file" }).click();
  await state(page, "Ended with close code 1000");
  assert.match(await page.getByRole("log").textContent(), /\w/);
  assert.ok((await frames(page)).some((text) => text.includes("EndOfTranscript")));
  assert.deepEqual(faults, []);
  await context.close();
});

test("a session can be stopped by hand", async () => {
  const { context, page, faults } = await minted();
  await page.getByRole("button", { name: "Start with the microphone" }).click();
  await state(page, "Listening.");
  await page.getByRole("button", { name: "Stop" }).click();
  await state(page, "Ended with close code 1000");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a microphone that is refused is told in a sentence", async () => {
  const { context, page } = await minted({ permissions: [] });
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("Permission denied", "NotAllowedError"));
  });
  await page.getByRole("button", { name: "Start with the microphone" }).click();
  const said = page.getByRole("status").filter({ hasNotText: "Nothing runs yet." });
  await said.waitFor();
  assert.match(await said.textContent(), /microphone/i);
  assert.ok(await page.getByRole("button", { name: "Start with the file" }).isEnabled(), "and a file can still be heard");
  await context.close();
});

test("without JavaScript there is a key, and how to use it", async () => {
  const { context, page, faults } = await minted({ javaScriptEnabled: false });
  assert.match(await page.getByLabel("Temporary key", { exact: true }).inputValue(), /^eyJ/);
  await page.getByText("The same from a terminal").click();
  assert.ok(await page.getByText("websocat").isVisible());
  await page.getByRole("button", { name: "Revoke this temporary key" }).click();
  await page.getByText(/revoked/).first().waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});
