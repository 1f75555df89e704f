// "Go to the portal and make yourself a key": from nobody to a key that works, and to its end, by names alone.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { mailLink } from "./support/mail.mjs";
import { PASSWORD, createKey, register, signIn } from "./support/path.mjs";
import { openSession, speak } from "./support/realtime.mjs";
import { World } from "./support/world.mjs";

let world;
before(async () => {
  world = await World.open();
});
after(() => world?.close());

/** A job that is accepted, or not: the status. */
async function batchStatus(key) {
  const form = new FormData();
  form.set("config", JSON.stringify({ type: "transcription", transcription_config: { language: "en" } }));
  form.set("data_file", new Blob([new Uint8Array(64)]), "a.wav");
  const answer = await fetch(`${world.server.batchUrl}/jobs`, { method: "POST", headers: { Authorization: `Bearer ${key}` }, body: form });
  await answer.arrayBuffer();
  return answer.status;
}

describe("the main path", { concurrency: 2 }, () => {
  for (const javaScriptEnabled of [true, false]) {
    test(javaScriptEnabled ? "with JavaScript" : "without JavaScript", async () => {
      const email = world.freshEmail();
      const permissions = ["clipboard-read", "clipboard-write"];
      const { context, page, faults } = await world.profile({ javaScriptEnabled, permissions });
      await register(world, page, email);
      const secret = await createKey(page, "laptop");
      if (javaScriptEnabled) {
        await page.getByRole("button", { name: "Copy" }).first().click();
        await page.getByRole("button", { name: "Copied" }).first().waitFor();
        assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
      }
      assert.ok(await page.getByText(/can.t be seen again/).isVisible(), "the warning");
      await page.goBack();
      await page.reload();
      assert.ok(!(await page.content()).includes(secret), "it is shown once");

      assert.equal(await batchStatus(secret), 201);
      await speak(await openSession(world.server.realtimeUrl, secret));
      const open = await openSession(world.server.realtimeUrl, secret);

      await page.getByRole("link", { name: "Settings" }).first().click();
      await page.getByRole("link", { name: "API Keys" }).first().click();
      await page.getByRole("row").filter({ hasText: "laptop" }).getByRole("button", { name: "Revoke" }).click();
      await page.getByText("1 live session ends at once").waitFor();
      await page.getByRole("button", { name: "Revoke" }).click();
      await page.getByRole("status").filter({ hasText: /revoked/i }).waitFor();
      const { code, last } = await open.ended;
      assert.equal(code, 4001);
      assert.equal(last.type, "not_authorised");
      assert.equal(await batchStatus(secret), 401);

      await signOut(page);
      await signIn(page, email);
      await page.getByRole("link", { name: "Settings" }).first().waitFor();
      assert.deepEqual(faults, []);
      await context.close();
    });
  }

  test("with the keyboard alone", async () => {
    const email = world.freshEmail();
    const { context, page, faults } = await world.profile();
    await page.goto("/");
    await press(page, "link", "Register");
    await type(page, "E-mail", email);
    await type(page, "Password", PASSWORD);
    await press(page, "button", "Register");
    await page.goto(await mailLink(world, email));
    await type(page, "Password", PASSWORD);
    await press(page, "button", "Confirm address");
    await press(page, "link", "Settings");
    await press(page, "link", "API Keys");
    await type(page, "Name", "by keyboard");
    await press(page, "button", "Create key");
    await page.getByText(/vgk_/).first().waitFor();
    await tabTo(page, page.getByRole("button", { name: "Copy" }).first());
    await press(page, "link", "Settings");
    await press(page, "link", "API Keys");
    await press(page, "button", "Revoke");
    await press(page, "button", "Revoke");
    await page.getByRole("status").filter({ hasText: /revoked/i }).waitFor();
    assert.deepEqual(faults, []);
    await context.close();
  });
});

/** The longest way to anything on a page. */
const TABS_MAX = 80;

/** Walks by the Tab key until the focus is there, and shows it. */
async function tabTo(page, target) {
  await target.waitFor();
  for (let tabs = 0; tabs < TABS_MAX; tabs += 1) {
    await page.keyboard.press("Tab");
    const isThere = await target.evaluate((element) => element === document.activeElement);
    if (!isThere) continue;
    const outline = await target.evaluate((element) => getComputedStyle(element).outlineStyle);
    assert.notEqual(outline, "none", "whoever uses the keyboard sees where they are");
    return;
  }
  assert.fail(`the Tab key doesn't lead to ${target}`);
}

async function press(page, role, name) {
  const target = page.getByRole(role, { name, exact: true }).first();
  await tabTo(page, target);
  const before = page.url();
  await page.keyboard.press("Enter");
  await page.waitForLoadState();
  await page.waitForFunction(([url]) => location.href !== url || document.readyState === "complete", [before]);
}

async function type(page, label, text) {
  await tabTo(page, page.getByLabel(label, { exact: true }));
  await page.keyboard.type(text);
}

async function signOut(page) {
  await page.locator("header summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
}
