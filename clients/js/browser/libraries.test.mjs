// Speechmatics' libraries in Chromium, unmodified, against `voxgate dev`: every call crosses origins, so CORS is part of it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { libraryTests } from "../support/suite.mjs";
import { openPage } from "./chromium.mjs";

let opened;
before(async () => {
  opened = await openPage();
});
after(() => opened?.close());

/** Makes a call of calls.mjs inside the page. */
const inPage =
  (name) =>
  (...args) =>
    opened.page.evaluate(([call, given]) => globalThis.calls[call](...given), [name, args]);

test("it is a browser, and no page of Voxgate's", async () => {
  const agent = await opened.page.evaluate(() => navigator.userAgent);
  assert.match(agent, /Chrom(e|ium)\//);
});

const names = ["mint", "batch", "transcribe", "hold", "heldSend", "heldEnd"];
libraryTests("Chromium", Object.fromEntries(names.map((name) => [name, inPage(name)])));
