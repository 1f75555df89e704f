// Workspaces, the people in them, and their projects.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { mailLink } from "./support/mail.mjs";
import { PASSWORD, signIn } from "./support/path.mjs";
import { World } from "./support/world.mjs";

let world;
before(async () => {
  world = await World.open();
});
after(() => world?.close());

/** Somebody with a workspace of their own, at the settings' index. */
async function admin(name) {
  const own = await world.workspace(name);
  const caller = await world.person({ workspace: own.id });
  const opened = await world.profile({ caller });
  await opened.page.goto("/settings");
  return { own, caller, ...opened };
}

const link = (page, name) => page.getByRole("main").getByRole("link", { name }).first().click();
const button = (page, name) => page.getByRole("main").getByRole("button", { name }).first().click();

describe("members", { concurrency: 2 }, () => {
  test("somebody new is invited, registers by the link, works, gets another role and is removed", async () => {
    const { page, caller, context, faults } = await admin("Acme");
    const email = world.freshEmail("invited");
    await link(page, "Members");
    await link(page, "Invite somebody");
    await page.getByLabel("E-mail").fill(email);
    await button(page, "Send invitation");
    const invitation = await mailLink(world, email);

    const guest = await world.profile({ javaScriptEnabled: false });
    await guest.page.goto(invitation);
    await guest.page.getByRole("heading", { name: "Join Acme" }).waitFor();
    await guest.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await button(guest.page, "Register");
    if (await guest.page.getByRole("button", { name: "Sign in" }).isVisible()) await signIn(guest.page, email);
    await guest.page.goto("/settings/members");
    await guest.page.getByRole("row").filter({ hasText: email }).getByText("you", { exact: true }).waitFor();
    assert.equal(await guest.page.getByRole("link", { name: "Invite somebody" }).count(), 0);

    await page.goto("/settings/members");
    await page.getByRole("link", { name: `Change ${email}` }).click();
    await page.getByLabel("Role").selectOption("admin");
    await button(page, "Save");
    await guest.page.reload();
    await guest.page.getByRole("link", { name: "Invite somebody" }).waitFor();

    await page.goto("/settings/members");
    await page.getByRole("link", { name: `Change ${email}` }).click();
    await button(page, "Remove");
    assert.equal((await caller.get("/settings/members")).text.includes(email), false);
    await guest.page.goto("/settings/members");
    await guest.page.getByRole("heading", { name: "New workspace" }).waitFor();
    await guest.page.goto(invitation);
    await guest.page.getByText("used already").waitFor();
    assert.deepEqual([...faults, ...guest.faults], []);
    await Promise.all([context.close(), guest.context.close()]);
  });

  test("somebody with an account joins by signing in, and nobody else does", async () => {
    const { page, context, faults } = await admin("Harbour");
    const known = await world.account({ name: "known" });
    await page.goto("/settings/members/invite");
    await page.getByLabel("E-mail").fill(known.email);
    await page.getByLabel("Role").selectOption("admin");
    await button(page, "Send invitation");
    const invitation = await mailLink(world, known.email);

    const other = await world.profile({ caller: await world.person({ name: "other" }) });
    await other.page.goto(invitation);
    await other.page.getByText(`Only ${known.email} can accept this invitation`).waitFor();
    assert.equal(await other.page.getByRole("button", { name: "Join the workspace" }).count(), 0);

    const guest = await world.profile();
    await guest.page.goto(invitation);
    await guest.page.getByRole("link", { name: "Sign in to join" }).click();
    await guest.page.getByLabel("E-mail").fill(known.email);
    await guest.page.getByLabel("Password", { exact: true }).fill(known.password);
    await guest.page.getByRole("button", { name: "Sign in" }).click();
    await button(guest.page, "Join the workspace");
    await guest.page.goto("/settings/members");
    await guest.page.getByRole("row").filter({ hasText: known.email }).getByText("admin").waitFor();
    assert.deepEqual([...faults, ...guest.faults, ...other.faults], []);
    await Promise.all([context.close(), guest.context.close(), other.context.close()]);
  });

  test("an invitation is not sent again and again, and is over when it was withdrawn", async () => {
    const { page, context, faults } = await admin("Quay");
    const email = world.freshEmail("invited");
    await page.goto("/settings/members/invite");
    await page.getByLabel("E-mail").fill(email);
    await button(page, "Send invitation");
    const first = await mailLink(world, email);
    await page.goto("/settings/members/invitations");
    await page.getByRole("button", { name: `Send again to ${email}` }).click();
    await page.getByText("wait 60 seconds").waitFor();
    const guest = await world.profile();
    await guest.page.goto(first);
    await guest.page.getByRole("heading", { name: "Join Quay" }).waitFor();
    await page.goto("/settings/members/invitations");
    await page.getByRole("button", { name: `Withdraw the invitation of ${email}` }).click();
    await guest.page.reload();
    await guest.page.getByText("it was withdrawn").waitFor();
    assert.deepEqual([...faults, ...guest.faults], []);
    await Promise.all([context.close(), guest.context.close()]);
  });

  test("the last admin can neither leave nor become a member", async () => {
    const { page, caller, context } = await admin("Lonely");
    await link(page, "Members");
    await page.getByRole("link", { name: `Change ${caller.email}` }).click();
    await button(page, "Leave");
    await page.getByRole("alert").waitFor();
    await page.goto("/settings/members");
    await page.getByRole("link", { name: `Change ${caller.email}` }).click();
    await page.getByLabel("Role").selectOption("member");
    await button(page, "Save");
    await page.getByRole("alert").waitFor();
    await page.goto("/settings/members");
    await page.getByRole("row").filter({ hasText: caller.email }).getByText("admin").waitFor();
    await context.close();
  });
});

describe("projects and workspaces", { concurrency: 2 }, () => {
  test("a project is made, found, renamed, used and deleted with its keys", async () => {
    const { page, own, context, faults } = await admin("Workshop");
    await link(page, "Projects");
    await link(page, "New project");
    await page.getByLabel("Name").fill("Subtitles");
    await page.getByLabel("Description").fill("for films");
    await button(page, "Create project");
    await page.goto("/settings/projects?search=film");
    await page.getByRole("row").filter({ hasText: "Subtitles" }).waitFor();
    await link(page, "Subtitles");
    await page.getByLabel("Name").fill("Captions");
    await button(page, "Save");
    const project = Number(new URL(page.url()).pathname.split("/").at(-1));
    const key = await own.manage("POST", "/v1/api-keys", { project_id: project, name: "captions", areas: ["eu"], products: ["batch"] });
    assert.equal(await world.server.jobsStatus(key.key_value), 200);
    await page.goto(`/settings/projects/${project}`);
    await link(page, /Delete the project/);
    await page.getByText("1 API key and every temporary key").waitFor();
    await button(page, "Delete for good");
    assert.equal(await world.server.jobsStatus(key.key_value), 401);
    await page.goto("/settings/projects");
    await page.getByRole("row").filter({ hasText: "default" }).getByRole("link").first().click();
    await page.getByText(/it can.t be deleted/).waitFor();
    assert.deepEqual(faults, []);
    await context.close();
  });

  test("a form with a mistake says so beside the field and keeps what was typed", async () => {
    const { page, context } = await admin("Typos");
    await page.goto("/settings/projects/new");
    await page.getByLabel("Description").fill("kept");
    await page.getByLabel("Name").fill("   ");
    await button(page, "Create project");
    const name = page.getByLabel("Name");
    assert.equal(await name.getAttribute("aria-invalid"), "true");
    const described = await name.evaluate((field) => document.getElementById(field.getAttribute("aria-describedby").split(" ").at(-1)).textContent);
    assert.match(described, /\w/);
    assert.equal(await page.getByLabel("Description").inputValue(), "kept");
    await context.close();
  });

  test("several workspaces are made, switched between and closed", async () => {
    const { page, caller, context, faults } = await admin("First");
    const key = await (await world.workspace("Third")).key();
    await link(page, "Your workspaces");
    await link(page, "New workspace");
    await page.getByLabel("Name").fill("Second");
    await button(page, "Create workspace");
    await page.goto("/settings/workspaces");
    await page.getByRole("row").filter({ hasText: "Second" }).getByText("shown now").waitFor();
    await page.getByRole("button", { name: "Switch to First" }).click();
    await page.goto("/settings/workspace");
    assert.equal(await page.getByLabel("Name").inputValue(), "First");
    await link(page, /Close the workspace/);
    await page.getByLabel(/Type the workspace.s name/).fill("Frist");
    await button(page, "Close for good");
    assert.equal(await page.getByLabel(/Type the workspace.s name/).getAttribute("aria-invalid"), "true");
    await page.getByLabel(/Type the workspace.s name/).fill("First");
    await button(page, "Close for good");
    await page.goto("/settings/workspaces");
    await page.getByRole("row").filter({ hasText: "Second" }).getByText("shown now").waitFor();
    assert.equal(await page.getByRole("row").filter({ hasText: "First" }).count(), 0);
    assert.equal(await world.server.jobsStatus(key.secret), 200, "control: other workspaces go on");
    assert.match((await caller.get("/settings/plan")).text, /Plan/);
    assert.deepEqual(faults, []);
    await context.close();
  });
});
