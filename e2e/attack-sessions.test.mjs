// Sessions: kept in cookies that nobody else gets at, never one that was there before signing in, and over when they are over.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { cast } from "./support/cast.mjs";
import { tokenOf } from "./support/forgeries.mjs";
import { PAGES, address } from "./support/pages.mjs";
import { things } from "./support/things.mjs";
import { World } from "./support/world.mjs";

const SESSION = "__Host-voxgate-session";
const COOKIE = /^__Host-voxgate-(session|form|device)=[0-9A-Za-z]*; Path=\/; Max-Age=\d+; Secure; HttpOnly; SameSite=Lax$/;

let world;
before(async () => {
  world = await World.open();
  await cast(world);
  await things(world);
});
after(() => world?.close());

/** Whether a caller's cookies open something. */
const isIn = async (caller) => (await caller.get("/settings/profile")).status === 200;

/** A session that was given out, in a jar of its own. */
function holding(secret) {
  const caller = world.anonymous();
  caller.cookies.set(SESSION, secret);
  return caller;
}

test("cookies are the host's own, and their values stand nowhere else", async () => {
  const { email, password } = await world.account({ workspace: world.ids.workspace });
  const caller = world.anonymous();
  const answers = [await caller.get("/sign-in")];
  answers.push(await caller.submit("/sign-in", "/sign-in", { email, password }));
  for (const page of PAGES) answers.push(await caller.get(address(page, world)));
  answers.push(await caller.send("TRACE", "/", {}), await caller.send("GET", "/nothing-here", {}));
  const secrets = [...caller.cookies.values()];
  assert.ok(await isIn(caller), "control");
  for (const { setCookies, headers, text } of answers) {
    for (const line of setCookies) assert.match(line, COOKIE);
    const rest = JSON.stringify({ ...headers, "set-cookie": undefined }) + text;
    for (const secret of secrets) assert.ok(!rest.includes(secret), rest.slice(0, 500));
  }
});

test("the session after signing in is a new one", async () => {
  const account = await world.account({ workspace: world.ids.workspace });
  const attacker = await world.person({ workspace: world.ids.workspace });
  for (const planted of ["A".repeat(43), attacker.cookies.get(SESSION)]) {
    const victim = holding(planted);
    const token = await tokenOf(victim);
    const answer = await victim.post("/sign-in", { email: account.email, password: account.password, form_token: token });
    assert.equal(answer.status, 303, answer.text);
    assert.notEqual(victim.cookies.get(SESSION), planted);
    const profile = await holding(planted).get("/settings/profile");
    assert.ok(!profile.text.includes(account.email), "what was planted opens the victim's account");
    assert.match((await victim.get("/settings/profile")).text, new RegExp(account.email), "control");
  }
});

test("signing out ends the session on the server", async () => {
  const caller = await world.person({ workspace: world.ids.workspace });
  const kept = caller.copy();
  assert.ok(await isIn(kept), "control");
  const answer = await caller.submit("/settings/profile", "/sign-out");
  assert.equal(answer.status, 303);
  assert.ok(!caller.cookies.has(SESSION));
  assert.ok(!(await isIn(kept)));
});

test("a disabled account's sessions are over, and a deleted one's", async () => {
  for (const command of [["disable"], ["delete", "--yes"]]) {
    const caller = await world.person();
    assert.ok(await isIn(caller), "control");
    await world.server.command("users", ...command, caller.email);
    assert.ok(!(await isIn(caller)), command[0]);
  }
});

test("a cookie that is there twice, or is bent, opens nothing", async () => {
  const { cookies } = world.caller("owner");
  const secret = cookies.get(SESSION);
  const get = (Cookie) => world.anonymous().get("/settings/profile", { Cookie });
  assert.equal((await get(`${SESSION}=${secret}`)).status, 200, "control");
  for (const bent of [
    `${SESSION}=${secret}; ${SESSION}=${secret}`,
    `${SESSION}=x; ${SESSION}=${secret}`,
    `voxgate-session=${secret}`,
    `__host-voxgate-session=${secret}`,
    `${SESSION}="${secret}"`,
    `${SESSION}=${secret.slice(0, -1)}`,
    `${SESSION}=${secret}a`,
    `${SESSION}=${secret}%00`,
    `${SESSION}=' OR 1=1--`,
    `${SESSION}=${"a".repeat(4000)}`,
  ]) {
    assert.equal((await get(bent)).status, 303, bent.slice(0, 80));
  }
});

test("a session's secret opens the portal alone, and keys don't open the portal", async () => {
  const secret = world.caller("owner").cookies.get(SESSION);
  const { management_url, management_token, api_key } = world.server.endpoints;
  const ask = (Authorization) => fetch(`${management_url}/v1/projects`, { headers: { Authorization } });
  assert.equal((await ask(`Bearer ${management_token}`)).status, 200, "control");
  assert.equal((await ask(`Bearer ${secret}`)).status, 401);
  assert.equal(await world.server.jobsStatus(secret), 401);
  for (const credential of [management_token, api_key]) {
    assert.ok(!(await isIn(holding(credential))));
    const answer = await world.anonymous().get("/settings/profile", { Authorization: `Bearer ${credential}` });
    assert.equal(answer.status, 303);
  }
});
