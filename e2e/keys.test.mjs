// API keys beyond the main path, management tokens, and live sessions.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { secretShown as shown } from "./support/path.mjs";
import { openSession } from "./support/realtime.mjs";
import { World } from "./support/world.mjs";

let world;
let own;
let owner;
before(async () => {
  world = await World.open();
  own = await world.workspace("Acme", "enterprise");
  owner = await world.person({ workspace: own.id });
});
after(() => world?.close());

const button = (page, name) => page.getByRole("main").getByRole("button", { name, exact: true }).first().click();
const said = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor();
const management = (path, secret) =>
  fetch(`${world.server.endpoints.management_url}${path}`, { headers: { Authorization: `Bearer ${secret}` } });

/** Walks as the owner, and finds no fault at the end. */
async function asOwner(walk, options = {}) {
  const { context, page, faults } = await world.profile({ caller: owner, ...options });
  await walk(page);
  assert.deepEqual(faults, []);
  await context.close();
}

describe("keys", { concurrency: 2 }, () => {
  test("a narrow key may do no more", () =>
    asOwner(async (page) => {
      await page.goto("/settings/api-keys");
      await page.getByLabel("Name", { exact: true }).fill("narrow");
      await page.getByText("Narrow this key").click();
      await page.getByLabel(/real/i).uncheck();
      await page.getByLabel("Networks").fill("192.0.2.0/24");
      await button(page, "Create key");
      assert.equal(await world.server.jobsStatus(await shown(page)), 403, "not from this network");
    }));

  test("a mistake is said beside its field, the fold is open, and what was typed is kept", () =>
    asOwner(async (page) => {
      await page.goto("/settings/api-keys");
      await page.getByLabel("Name", { exact: true }).fill("kept name");
      await page.getByText("Narrow this key").click();
      await page.getByLabel("Networks").fill("not a network");
      await button(page, "Create key");
      const networks = page.getByLabel("Networks");
      await networks.waitFor({ state: "visible" });
      assert.equal(await networks.getAttribute("aria-invalid"), "true");
      assert.equal(await networks.inputValue(), "not a network");
      assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "kept name");
    }));

  test("sending the form again makes no second key and shows no secret again", () =>
    asOwner(async (page) => {
      await page.goto("/settings/api-keys");
      await page.getByLabel("Name", { exact: true }).fill("only once");
      await button(page, "Create key");
      const secret = await shown(page);
      await page.reload();
      await said(page, "made already");
      assert.ok(!(await page.content()).includes(secret));
      await page.goto("/settings/api-keys?search=only+once");
      assert.equal(await page.getByRole("row").filter({ hasText: "only once" }).count(), 1);
    }));

  test("a key is rotated with an overlap: both work", () =>
    asOwner(async (page) => {
      const key = await own.key("to rotate");
      await page.goto(`/settings/api-keys/${key.id}`);
      await button(page, "Rotate");
      await page.getByLabel("Overlap").selectOption({ index: 1 });
      await button(page, "Rotate");
      const successor = await shown(page);
      assert.notEqual(successor, key.secret);
      assert.deepEqual([await world.server.jobsStatus(successor), await world.server.jobsStatus(key.secret)], [200, 200]);
    }));

  test("a leaked key is found by itself, ended with all that it opened, and what it did is shown", () =>
    asOwner(async (page) => {
      const key = await own.key("leaked");
      const session = await openSession(world.server.realtimeUrl, key.secret);
      await page.goto("/settings/api-keys/find");
      await page.getByLabel("Key", { exact: true }).fill(key.secret);
      await button(page, "Find it");
      await page.getByRole("heading", { name: "leaked" }).waitFor();
      assert.ok(!page.url().includes(key.secret));
      await button(page, "This key has leaked");
      await page.getByText("1 live session ends at once").waitFor();
      await button(page, "Revoke it and show what it did");
      await said(page, "Below is what it did");
      assert.equal((await session.ended).code, 4001);
      assert.equal(await world.server.jobsStatus(key.secret), 401);
    }));

  test("long lists come fifty at a time, and are searched", () =>
    asOwner(async (page) => {
      const many = await world.workspace("Many", "enterprise");
      const { context, page: list, faults } = await world.profile({ caller: await world.person({ workspace: many.id }) });
      for (let count = 0; count < 52; count += 1) await many.key(`number ${count}`);
      await list.goto("/settings/api-keys");
      const rows = list.getByRole("table").getByRole("row");
      assert.equal(await rows.count(), 51);
      await list.getByRole("link", { name: "Next page" }).click();
      await list.getByRole("link", { name: "First page" }).waitFor();
      assert.equal(await rows.count(), 3);
      await list.getByRole("searchbox").fill("number 17");
      await list.keyboard.press("Enter");
      await list.waitForURL(/search=number/);
      assert.equal(await rows.count(), 2);
      assert.deepEqual(faults, []);
      await context.close();
      await page.goto("/settings/api-keys?search=number+17");
      assert.equal(await page.getByText("number 17", { exact: true }).count(), 0, "control: another workspace's");
    }));
});

describe("management tokens", () => {
  test("one is made with the permissions that were chosen, used, and revoked", () =>
    asOwner(async (page) => {
      await page.goto("/settings");
      await page.getByRole("main").getByRole("link", { name: "Management tokens" }).click();
      await page.getByLabel("Name", { exact: true }).fill("dashboard");
      await page.getByRole("checkbox", { name: /view_usage/ }).check();
      await button(page, "Create token");
      const secret = await shown(page);
      assert.equal((await management("/v1/usage?group_by=day", secret)).status, 200);
      assert.equal((await management("/v1/projects", secret)).status, 403);
      await page.goto("/settings/management-tokens");
      assert.ok(!(await page.content()).includes(secret));
      await page.getByRole("row").filter({ hasText: "dashboard" }).getByRole("button", { name: "Revoke" }).click();
      await button(page, "Revoke");
      await said(page, "The token is revoked.");
      assert.equal((await management("/v1/usage?group_by=day", secret)).status, 401);
    }));
});

describe("live sessions", () => {
  for (const javaScriptEnabled of [true, false]) {
    test(`one is seen and ended with a reason ${javaScriptEnabled ? "with" : "without"} JavaScript`, () =>
      asOwner(
        async (page) => {
          const key = await own.key("speaking");
          const session = await openSession(world.server.realtimeUrl, key.secret);
          await page.goto("/");
          await page.getByRole("link", { name: "Sessions" }).first().click();
          await page.getByRole("row").filter({ hasText: "speaking" }).getByRole("button", { name: "End" }).click();
          await page.getByLabel("Reason").fill("the meeting is over");
          await button(page, "End session");
          await said(page, "The session has ended.");
          const { code, last } = await session.ended;
          assert.equal(code, 4003);
          assert.match(last.reason, /the meeting is over/);
          await own.manage("DELETE", `/v1/api-keys/${key.id}`);
        },
        { javaScriptEnabled },
      ));
  }

  test("all of a key are ended, the key goes on", () =>
    asOwner(async (page) => {
      const key = await own.key("many sessions");
      const sessions = await Promise.all([1, 2].map(() => openSession(world.server.realtimeUrl, key.secret)));
      await page.goto(`/settings/api-keys/${key.id}`);
      await page.getByRole("link", { name: "End its sessions" }).click();
      await page.getByText("2 live sessions end at once").waitFor();
      await button(page, "End sessions");
      await said(page, "The sessions have ended.");
      assert.deepEqual(await Promise.all(sessions.map(async ({ ended }) => (await ended).code)), [4003, 4003]);
      assert.equal(await world.server.jobsStatus(key.secret), 200);
    }));
});
