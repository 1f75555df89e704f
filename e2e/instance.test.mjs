// What the instance's operator does in the portal, and the audit log of it and of a workspace.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";

import { cast } from "./support/cast.mjs";
import { mailLink } from "./support/mail.mjs";
import { World } from "./support/world.mjs";

let world;
before(async () => {
  world = await World.open();
  await cast(world);
});
after(() => world?.close());

const main = (page) => page.getByRole("main");
const button = (page, name) => main(page).getByRole("button", { name, exact: true }).first().click();

/** Walks as somebody, and finds no fault at the end. */
async function as(who, walk, options = {}) {
  const { context, page, faults } = await world.profile({ caller: world.caller(who), ...options });
  await walk(page);
  assert.deepEqual(faults, []);
  await context.close();
}

describe("the operator", { concurrency: 2 }, () => {
  test("sees the instance at a glance", () =>
    as("operator", async (page) => {
      await page.goto("/settings");
      await main(page).getByRole("link", { name: "Operate this instance" }).click();
      await page.getByRole("heading", { name: "Instance" }).first().waitFor();
      await page.getByRole("row").filter({ hasText: "eu1" }).first().getByText("up").first().waitFor();
      assert.ok((await page.getByRole("row").filter({ hasText: "us1" }).count()) > 0, "every region");
    }));

  test("disables an account, which is out at once, and enables it again", () =>
    as("operator", async (page) => {
      const person = await world.person({ name: "shut" });
      await page.goto("/instance/accounts");
      await page.getByRole("searchbox").fill(person.email);
      await button(page, "Search");
      await page.getByRole("link", { name: person.email }).click();
      await button(page, "Disable");
      await main(page).getByText("disabled", { exact: true }).waitFor();
      assert.equal((await person.get("/workspaces/new")).status, 303);
      await button(page, "Enable");
      await main(page).getByText("active", { exact: true }).waitFor();
      assert.equal((await person.get("/workspaces/new")).status, 303, "the old session stays over");
      await world.signIn(person);
    }));

  test("signs somebody out everywhere, sends a link for a new password, and makes an operator", () =>
    as("operator", async (page) => {
      const person = await world.person({ name: "helped" });
      const { accountId, email } = person;
      await page.goto(`/instance/accounts/${accountId}`);
      await button(page, "Sign out everywhere");
      assert.equal((await person.get("/workspaces/new")).status, 303);
      await page.goto(`/instance/accounts/${accountId}`);
      await button(page, "Send link to reset the password");
      assert.ok(await mailLink(world, email));
      await page.goto(`/instance/accounts/${accountId}`);
      await button(page, "Make operator");
      const again = await world.signIn(person);
      assert.equal((await again.get("/instance")).status, 200);
      await page.goto(`/instance/accounts/${accountId}`);
      await button(page, "Operator no more");
      assert.equal((await again.get("/instance")).status, 404);
    }));

  test("gives a workspace a plan and limits of its own, and closes it", () =>
    as("operator", async (page) => {
      const workspace = await world.workspace("To be closed", "free");
      const key = await workspace.key();
      await page.goto("/instance/workspaces?search=to+be+closed");
      await page.getByRole("link", { name: "To be closed" }).click();
      await page.getByLabel("Plan", { exact: true }).selectOption("pro");
      await page.getByLabel("Sessions open at once").fill("many");
      await button(page, "Save");
      await page.getByRole("alert").waitFor();
      assert.equal(await page.getByLabel("Sessions open at once").inputValue(), "many", "what was typed is kept");
      await page.getByLabel("Sessions open at once").fill("7");
      await button(page, "Save");
      await page.getByText("Now 7").waitFor();
      await main(page).getByRole("link", { name: /Close the workspace/ }).click();
      await page.getByLabel(/Type the workspace.s name/).fill("To be closed");
      await button(page, "Close for good");
      assert.equal(await world.server.jobsStatus(key.secret), 401);
    }));

  test("sends a test mail and rotates the signing key", () =>
    as(
      "operator",
      async (page) => {
        await page.goto("/instance/mail");
        await page.getByLabel("E-mail").fill("somebody@example.org");
        await button(page, "Send test mail");
        await page.getByRole("status").waitFor();
        await page.goto("/instance/signing-keys");
        const keys = await page.getByRole("row").count();
        await button(page, "Rotate");
        await page.getByRole("row").nth(keys).waitFor();
      },
      { javaScriptEnabled: false },
    ));
});

describe("the audit log", { concurrency: 2 }, () => {
  test("tells an admin who did what to which key from where, is narrowed, and is taken along", () =>
    as("owner", async (page) => {
      await page.goto("/settings/api-keys");
      await page.getByLabel("Name", { exact: true }).fill("audited");
      await button(page, "Create key");
      await page.goto("/settings");
      await main(page).getByRole("link", { name: "Audit log" }).click();
      const { email } = world.caller("owner");
      const row = page.getByRole("row").filter({ hasText: email }).filter({ hasText: "audited" });
      await row.first().waitFor();
      assert.match(await row.first().textContent(), /127\.0\.0\.1|::1/);
      await page.getByLabel("Done by").fill("nobody@example.org");
      await button(page, "Show");
      await page.getByText("No event is like this.").waitFor();
      await page.getByLabel("Done by").fill(email);
      await button(page, "Show");
      await row.first().waitFor();
      for (const [name, pattern] of Object.entries({ "Download CSV": /^[a-z_]+,/, "Download JSON": /^[[{]/ })) {
        const downloading = page.waitForEvent("download");
        await page.getByRole("link", { name }).click();
        const text = await readFile(await (await downloading).path(), "utf8");
        assert.match(text, pattern);
        assert.ok(text.includes("api_key_created"), text.slice(0, 300));
      }
    }));

  test("tells another workspace's admin nothing of it", async () => {
    const { email } = world.caller("owner");
    for (const path of ["/settings/audit-log", "/settings/audit-log/download?format=csv", `/settings/audit-log?actor=${email}`]) {
      const answer = await world.caller("stranger").get(path);
      assert.equal(answer.status, 200, path);
      assert.ok(!answer.text.replaceAll(`value="${email}"`, "").includes(email), path);
    }
    assert.ok((await world.caller("operator").get(`/instance/audit-log?actor=${email}`)).text.includes(email), "control");
  });
});
