// Usage: what was really used, told in plots, in the tables under them and in a file.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { waitUntil } from "../clients/js/support/voxgate.mjs";
import { openSession, speak } from "./support/realtime.mjs";
import { World } from "./support/world.mjs";

const SECONDS = 3;
const JOBS = 2;

let world;
let owner;
let stranger;
before(async () => {
  world = await World.open();
  const [own, elsewhere] = [await world.workspace("Acme"), await world.workspace("Elsewhere")];
  owner = await world.person({ workspace: own.id });
  stranger = await world.person({ workspace: elsewhere.id });
  const key = await own.key("=cmd|' /C calc'!A0");
  for (let count = 0; count < JOBS; count += 1) assert.equal(await world.server.jobsStatus(key.secret), 200);
  await speak(await openSession(world.server.realtimeUrl, key.secret), SECONDS);
  // Usage arrives in pieces.
  await waitUntil("usage's arrival", async () => {
    const rows = lines((await owner.get("/usage.csv")).text);
    const of = (name) => rows.find(({ mode }) => mode === name);
    return Number(of("realtime")?.audio_seconds) === SECONDS && Number(of("batch")?.requests) === JOBS;
  });
});
after(() => world?.close());

/** Lines of a file without quoted line ends. */
function lines(csv) {
  const [head, ...rows] = csv.trim().split("\r\n").map((line) => line.match(/("([^"]|"")*"|[^,]*)(,|$)/g).map((cell) => cell.replace(/,$/, "")));
  return rows.map((row) => Object.fromEntries(head.map((name, at) => [name, row[at]])));
}

test("the file has what was used, and a name in it is no formula", async () => {
  const rows = lines((await owner.get("/usage.csv")).text);
  const realtime = rows.find(({ mode }) => mode === "realtime");
  assert.equal(Number(realtime.audio_seconds), SECONDS);
  assert.equal(realtime.sessions, "1");
  assert.equal(Number(rows.find(({ mode }) => mode === "batch").requests), JOBS);
  assert.doesNotMatch(realtime.api_key.replaceAll('"', ""), /^[=+\-@]/);
  assert.match((await owner.get("/usage.csv")).headers["content-disposition"], /attachment/);
});

test("nothing of it is told to another workspace", async () => {
  assert.deepEqual(lines((await stranger.get("/usage.csv")).text), []);
  assert.match((await stranger.get("/usage")).text, /Nothing was used/);
});

for (const javaScriptEnabled of [true, false]) {
  test(`the page shows it ${javaScriptEnabled ? "with" : "without"} JavaScript, and gives the file`, async () => {
    const { context, page, faults } = await world.profile({ caller: owner, javaScriptEnabled });
    await page.goto("/");
    await page.getByRole("link", { name: "Usage" }).first().click();
    await page.getByLabel("By", { exact: true }).selectOption("mode");
    await page.getByRole("button", { name: "Show" }).click();
    for (const numbers of await page.getByText("The numbers").all()) await numbers.click();
    const tables = page.getByRole("table");
    assert.ok((await tables.count()) > 0, "a table under each plot");
    assert.equal(await page.getByRole("main").getByRole("img").count(), await tables.count());
    assert.match((await tables.allTextContents()).join(), /realtime/i);
    const downloading = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download CSV" }).click();
    const file = await readFile(await (await downloading).path(), "utf8");
    assert.ok(lines(file).length >= 2, file);
    assert.deepEqual(faults, []);
    await context.close();
  });
}
