// Accounts: forgotten and changed passwords, another address, devices, and their end.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { mailLink, mailsTo } from "./support/mail.mjs";
import { PASSWORD, signIn } from "./support/path.mjs";
import { World } from "./support/world.mjs";

const OTHER = "quite another password";

let world;
before(async () => {
  world = await World.open();
});
after(() => world?.close());

const button = (page, name) => page.getByRole("main").getByRole("button", { name, exact: true }).first().click();
const isIn = async (caller) => (await caller.get("/settings/profile")).status === 200;
const heading = (page, name) => page.getByRole("heading", { name, exact: true }).waitFor();

/** A browser of somebody who has an account, and one of theirs elsewhere. */
async function somebody(options) {
  const workspace = await world.workspace("Own");
  const account = await world.account({ workspace: workspace.id });
  const opened = await world.profile({ caller: await world.signIn(account), ...options });
  return { workspace, account, elsewhere: await world.signIn(account), ...opened };
}

describe("passwords", { concurrency: 2 }, () => {
  for (const javaScriptEnabled of [true, false]) {
    test(`a forgotten one is replaced ${javaScriptEnabled ? "with" : "without"} JavaScript, and every browser is signed out`, async () => {
      const { account, elsewhere, context } = await somebody();
      const { page, faults, ...fresh } = await world.profile({ javaScriptEnabled });
      await page.goto("/sign-in");
      await page.getByRole("link", { name: "Forgot your password?" }).click();
      await page.getByLabel("E-mail").fill(account.email);
      await button(page, "Send link");
      await heading(page, "Check your mail");
      const link = await mailLink(world, account.email);
      await page.goto(link);
      await page.getByLabel("New password").fill("short");
      await button(page, "Change password");
      assert.equal(await page.getByLabel("New password").getAttribute("aria-invalid"), "true");
      await page.getByLabel("New password").fill(OTHER);
      await button(page, "Change password");
      await page.getByRole("status").waitFor();
      assert.equal(await isIn(elsewhere), false);
      await signIn(page, account.email, account.password);
      await page.getByRole("alert").waitFor();
      assert.equal(await page.getByLabel("E-mail").inputValue(), account.email, "what was typed is kept");
      await signIn(page, account.email, OTHER);
      await page.getByRole("link", { name: "Settings" }).first().waitFor();
      await page.goto(link);
      await heading(page, /^This link doesn.t work any more$/);
      assert.deepEqual(faults, []);
      await Promise.all([context.close(), fresh.context.close()]);
    });
  }

  test("one is changed while signed in; this browser stays, others go, and a mail tells of it", async () => {
    const { page, account, elsewhere, context, faults } = await somebody();
    await page.goto("/settings/profile");
    await page.getByRole("link", { name: "Change password" }).click();
    await page.getByLabel("Present password").fill(OTHER);
    await page.getByLabel("New password").fill(OTHER);
    await button(page, "Change password");
    await page.getByText("The present password is wrong.").waitFor();
    assert.equal(await isIn(elsewhere), true, "whoever doesn't know it changes nothing");
    await page.getByLabel("Present password").fill(account.password);
    await page.getByLabel("New password").fill(OTHER);
    await button(page, "Change password");
    await page.getByRole("status").waitFor();
    assert.equal(await isIn(elsewhere), false);
    await page.goto("/settings/profile");
    await heading(page, "Profile");
    assert.ok((await mailsTo(world, account.email)).some(({ subject }) => /password was changed/.test(subject)));
    await world.signIn({ ...account, password: OTHER });
    assert.deepEqual(faults, []);
    await context.close();
  });

  test("common, short, and one's own address are refused with a reason", async () => {
    const { page, account, context } = await somebody();
    for (const password of ["password1234567", "elevenchars", account.email]) {
      await page.goto("/settings/profile/password");
      await page.getByLabel("Present password").fill(account.password);
      await page.getByLabel("New password").fill(password);
      await button(page, "Change password");
      await page.getByLabel("New password").and(page.locator("[aria-invalid=true]")).waitFor();
    }
    await context.close();
  });
});

describe("addresses", { concurrency: 2 }, () => {
  test("another one is used after its mail was opened, once, and the former one is told", async () => {
    const { page, account, context, faults } = await somebody();
    const email = world.freshEmail("moved");
    await page.goto("/settings/profile");
    await page.getByRole("link", { name: "Change e-mail address" }).click();
    await page.getByLabel("New e-mail").fill(email);
    await button(page, "Send link");
    await heading(page, "Check your mail");
    await world.signIn(account);
    const link = await mailLink(world, email);
    await page.goto(link);
    await button(page, "Use this address");
    await page.getByText(email).first().waitFor();
    await world.signIn({ ...account, email });
    await assert.rejects(world.signIn(account));
    assert.ok((await mailsTo(world, account.email)).some(({ subject }) => /address was changed/.test(subject)));
    await page.goto(link);
    await heading(page, /^This link doesn.t work any more$/);
    assert.deepEqual(faults, []);
    await context.close();
  });

  test("a link opens one thing alone, and an address that was registered by a stranger stays closed to them", async () => {
    const email = world.freshEmail("claimed");
    const { page, context } = await world.profile();
    await page.goto("/register");
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await button(page, "Register");
    const link = new URL(await mailLink(world, email));
    const token = link.searchParams.get("token");
    for (const path of ["/reset-password", "/change-email", "/set-up"]) {
      await page.goto(`${path}?token=${token}`);
      assert.equal(await page.getByLabel(/password/i).count(), 0, path);
    }
    // Whoever owns the mailbox didn't choose this password, so opening the link gives the account to nobody.
    const mailbox = await world.profile();
    await mailbox.page.goto(link.href);
    await mailbox.page.getByLabel("Password", { exact: true }).fill(OTHER);
    await button(mailbox.page, "Confirm address");
    await mailbox.page.getByText(/This isn.t the password/).waitFor();
    await Promise.all([context.close(), mailbox.context.close()]);
  });
});

describe("devices", { concurrency: 2 }, () => {
  test("one is signed out alone, then all others at once", async () => {
    const { page, account, elsewhere, context, faults } = await somebody({ javaScriptEnabled: false });
    const third = await world.signIn(account);
    await page.goto("/settings/devices");
    const rows = page.getByRole("table").getByRole("row");
    assert.equal(await rows.count(), 4);
    await page.getByRole("button", { name: /^Sign out/ }).and(page.getByRole("main").getByRole("button")).first().click();
    await page.getByRole("status").waitFor();
    assert.equal(Number(await isIn(elsewhere)) + Number(await isIn(third)), 1);
    await page.goto("/settings/devices");
    await button(page, "Sign out everywhere else");
    await page.getByText("You are signed in nowhere else.").waitFor();
    assert.deepEqual([await isIn(elsewhere), await isIn(third)], [false, false]);
    assert.deepEqual(faults, []);
    await context.close();
  });

  test("nobody signs out another's", async () => {
    const [one, two] = [await somebody(), await somebody()];
    await two.page.goto("/settings/devices");
    const action = await two.page.locator("main form[action*='/sign-out']").first().getAttribute("action");
    const forger = one.elsewhere;
    const token = (await forger.get("/settings/profile")).text.match(/name="form_token" value="([^"]+)"/)[1];
    assert.equal((await forger.post(action, { form_token: token })).status, 404);
    assert.ok(await isIn(two.elsewhere));
    await Promise.all([one.context.close(), two.context.close()]);
  });
});

describe("the end", { concurrency: 2 }, () => {
  test("an account goes with the workspaces that nobody else belongs to", async () => {
    const { page, account, workspace, elsewhere, context, faults } = await somebody();
    const key = await workspace.key();
    assert.equal(await world.server.jobsStatus(key.secret), 200, "control");
    await page.goto("/settings/profile");
    await page.getByRole("link", { name: "Delete account" }).click();
    await page.getByText("Own", { exact: true }).waitFor();
    await button(page, "Delete account");
    await page.getByRole("alert").waitFor();
    await page.getByLabel(/I know that this can.t be undone/).check();
    await button(page, "Delete account");
    await page.getByRole("link", { name: "Register" }).first().waitFor();
    assert.equal(await isIn(elsewhere), false);
    await assert.rejects(world.signIn(account));
    assert.equal(await world.server.jobsStatus(key.secret), 401);
    assert.ok(!JSON.stringify(await world.done()).includes(account.email), "its name is gone from the log");
    assert.deepEqual(faults, []);
    await context.close();
  });

  test("times are shown in the zone that somebody chose", async () => {
    const { page, context, faults } = await somebody();
    await page.goto("/settings/profile");
    await page.getByLabel("Time zone").selectOption("Asia/Tokyo");
    await button(page, "Save");
    await page.goto("/settings/devices");
    const time = page.getByRole("table").locator("time").first();
    const [shown, at] = [await time.textContent(), new Date(await time.getAttribute("datetime"))];
    const hour = at.toLocaleString("en-GB", { timeZone: "Asia/Tokyo", hour: "2-digit", minute: "2-digit" });
    assert.ok(shown.includes(hour), `${shown} at ${at.toISOString()}`);
    assert.deepEqual(faults, []);
    await context.close();
  });
});
