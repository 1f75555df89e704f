// Second factors: codes, recovery codes and passkeys, with an authenticator that Chromium makes believe.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { addPasskey, device } from "./support/passkeys.mjs";
import { totp } from "./support/totp.mjs";
import { World } from "./support/world.mjs";

let world;
before(async () => {
  world = await World.open();
});
after(() => world?.close());

const button = (page, name) => page.getByRole("main").getByRole("button", { name, exact: true }).first().click();
const isInside = (page) => page.getByRole("link", { name: "Settings" }).first().waitFor();

async function somebody() {
  const account = await world.account();
  const opened = await world.profile({ caller: await world.signIn(account) });
  await opened.page.goto("/settings/security");
  return { account, ...opened };
}

/** A browser of nobody's that has told the right password. */
async function afterPassword({ email, password }) {
  const opened = await world.profile();
  await fillPassword(opened.page, { email, password });
  return opened;
}

async function fillPassword(page, { email, password }) {
  await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await button(page, "Sign in");
}

/** Adds an authenticator app, and gives its secret and the recovery codes. */
async function addApp(page) {
  await page.getByRole("link", { name: "Add an authenticator app" }).click();
  const secret = await page.getByRole("main").getByRole("code").first().textContent();
  await page.getByLabel("Code", { exact: true }).fill("000000");
  await button(page, "Add");
  await page.getByText("This code is not right now").waitFor();
  assert.equal(await page.getByRole("main").getByRole("code").first().textContent(), secret, "the secret stays the same");
  await page.getByLabel("Code", { exact: true }).fill(totp(secret));
  await button(page, "Add");
  await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
  return { secret, codes: await page.getByRole("main").getByRole("listitem").allTextContents() };
}

describe("codes", { concurrency: 2 }, () => {
  test("an app's code is asked for after the password, opens once, and a recovery code once", async () => {
    const { account, page, context, faults } = await somebody();
    const { secret, codes } = await addApp(page);
    assert.ok(codes.length >= 8);

    const next = await afterPassword(account);
    await next.page.getByLabel("Code", { exact: true }).waitFor();
    await next.page.goto("/settings/profile");
    await next.page.getByRole("heading", { name: "Sign in" }).waitFor();
    await fillPassword(next.page, account);
    const code = totp(secret, { stepsLater: 1 });
    await next.page.getByLabel("Code", { exact: true }).fill(code);
    await button(next.page, "Sign in");
    await isInside(next.page);

    const again = await afterPassword(account);
    await again.page.getByLabel("Code", { exact: true }).fill(code);
    await button(again.page, "Sign in");
    await again.page.getByRole("alert").filter({ hasText: /\w/ }).waitFor();
    await again.page.getByText("Use a recovery code").click();
    await again.page.getByLabel("Recovery code", { exact: true }).fill(codes[0]);
    await button(again.page, "Sign in with a recovery code");
    await isInside(again.page);

    const third = await afterPassword(account);
    await third.page.getByText("Use a recovery code").click();
    await third.page.getByLabel("Recovery code", { exact: true }).fill(codes[0]);
    await button(third.page, "Sign in with a recovery code");
    await third.page.getByRole("alert").filter({ hasText: /\w/ }).waitFor();
    assert.deepEqual([...faults, ...next.faults, ...again.faults, ...third.faults], []);
    await Promise.all([context, next.context, again.context, third.context].map((each) => each.close()));
  });

  test("a removed app is asked for no more, and new recovery codes end the former ones", async () => {
    const { account, page, context, faults } = await somebody();
    const { codes } = await addApp(page);
    await page.goto("/settings/security");
    await button(page, "Make new recovery codes");
    await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
    const next = await afterPassword(account);
    await next.page.getByText("Use a recovery code").click();
    await next.page.getByLabel("Recovery code", { exact: true }).fill(codes[1]);
    await button(next.page, "Sign in with a recovery code");
    await next.page.getByRole("alert").filter({ hasText: /\w/ }).waitFor();
    await page.goto("/settings/security");
    await button(page, "Remove authenticator app");
    await page.getByRole("link", { name: "Add an authenticator app" }).waitFor();
    const last = await afterPassword(account);
    await isInside(last.page);
    assert.deepEqual([...faults, ...next.faults, ...last.faults], []);
    await Promise.all([context, next.context, last.context].map((each) => each.close()));
  });

  test("a session that waits for its factor opens nothing, and guesses are few", async () => {
    const { account, page, context } = await somebody();
    await addApp(page);
    const caller = world.anonymous();
    await caller.submit("/sign-in", "/sign-in", { email: account.email, password: account.password });
    assert.equal((await caller.get("/sign-in/factor")).status, 200, "control: it waits");
    for (const path of ["/settings", "/settings/profile", "/settings/security", "/settings/api-keys", "/playground", "/confirm"]) {
      assert.match((await caller.get(path)).location ?? "", /^\/sign-in/, path);
    }
    const statuses = [];
    for (let guess = 0; guess < 12; guess += 1) {
      const fields = { kind: "authenticator", code: String(guess).padStart(6, "0") };
      const answer = await caller.submit("/sign-in/factor", "/sign-in/factor", fields).catch((error) => ({ status: error.message }));
      statuses.push(answer.status);
    }
    assert.ok(statuses.some((status) => status !== 422), statuses.join());
    assert.ok(!statuses.includes(303) || statuses.lastIndexOf(422) < statuses.indexOf(303), statuses.join());
    await context.close();
  });
});

describe("passkeys", { concurrency: 2 }, () => {
  test("one signs in without a password, is renamed, and opens nothing after it was removed", async () => {
    const { account, page, context, faults } = await somebody();
    await device(context, page);
    await addPasskey(page, "this laptop");
    await context.clearCookies();
    await page.goto("/sign-in");
    await page.getByRole("link", { name: /passkey/i }).click();
    await button(page, "Use a passkey");
    await isInside(page);
    await page.goto("/settings/profile");
    await page.getByText(account.email).first().waitFor();
    await page.goto("/settings/security");
    await page.getByText("Change this laptop").click();
    await page.getByLabel("Name", { exact: true }).fill("old laptop");
    await button(page, "Rename");
    await page.getByRole("row").filter({ hasText: "old laptop" }).first().waitFor();
    await page.getByText("Change old laptop").click();
    await button(page, "Remove old laptop");
    await page.getByText("Your password alone opens this account.").waitFor();
    await context.clearCookies();
    await page.goto("/sign-in/passkey");
    await button(page, "Use a passkey");
    await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor();
    assert.deepEqual(faults, []);
    await context.close();
  });

  test("one is the second factor after a password; another site's or nobody's is not", async () => {
    const { account, page, context, faults } = await somebody();
    const { devtools, authenticatorId } = await device(context, page);
    await addPasskey(page, "security key");
    const { credentials } = await devtools.send("WebAuthn.getCredentials", { authenticatorId });
    assert.equal(credentials[0].rpId, "localhost");
    await context.clearCookies();
    await fillPassword(page, account);
    await button(page, "Use a passkey");
    await isInside(page);

    const other = await afterPassword(account);
    await device(other.context, other.page);
    await button(other.page, "Use a passkey");
    await other.page.getByRole("alert").filter({ hasText: /\w/ }).waitFor({ timeout: 90_000 });
    await other.page.goto("/settings/profile");
    await other.page.getByRole("heading", { name: "Sign in" }).waitFor();
    assert.deepEqual(faults, []);
    await Promise.all([context.close(), other.context.close()]);
  });

  test("an answer is good once, and for the question that it was given to", async () => {
    const { page, context } = await somebody();
    await device(context, page);
    await addPasskey(page, "this laptop");
    await context.clearCookies();
    await page.goto("/sign-in/passkey");
    const sent = page.waitForRequest((request) => request.method() === "POST");
    await button(page, "Use a passkey");
    const body = (await sent).postData();
    await isInside(page);
    const fields = new URLSearchParams(body);
    const thief = world.anonymous();
    const [form] = (await thief.get("/sign-in/passkey")).text.match(/name="form_token" value="([^"]+)"/).slice(1);
    fields.set("form_token", form);
    const replayed = await thief.post("/sign-in/passkey", fields);
    assert.notEqual(replayed.status, 303);
    await context.close();
  });
});
