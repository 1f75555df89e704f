// Nobody learns who has an account, nobody gets in by guessing, and nobody is kept out by somebody else's guesses.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { forms } from "./support/raw.mjs";
import { World } from "./support/world.mjs";

const WRONG = "a wrong but long password";
/** Guesses that one network has for one account. */
const GUESSES_MAX = 10;

let world;
before(async () => {
  world = await World.open();
});
after(() => world?.close());

/** Fills in a form as anybody and gives the answer, without what is different for every visitor. */
async function say(page, fields, caller = world.anonymous()) {
  const opened = await caller.get(page);
  const form = forms(opened.text).find(({ method, fields: given }) => method === "post" && given.some(({ name }) => name === "email"));
  const answer = await caller.post(form.action(page), form.filled(fields));
  const token = form.fields.find(({ name }) => name === "form_token").value;
  const { date, "request-id": id, "set-cookie": cookies, ...headers } = answer.headers;
  assert.ok(date);
  const plain = (text) => text.replaceAll(fields.email, "EMAIL").replaceAll(encodeURIComponent(fields.email), "EMAIL").replaceAll(token, "TOKEN");
  delete headers["content-length"];
  return {
    status: answer.status,
    location: answer.location && plain(answer.location),
    headers,
    cookies: (cookies ?? []).map((cookie) => cookie.replace(/=[^;]*/, "=")),
    text: plain(answer.text),
  };
}

describe("who has an account is told by no answer", () => {
  const cases = {
    "a wrong password": ["/sign-in", { password: WRONG }],
    "a registration": ["/register", { password: WRONG }],
    "a forgotten password": ["/forgot-password", {}],
  };
  for (const [what, [page, fields]] of Object.entries(cases)) {
    test(what, async () => {
      const known = await world.account({ name: "known" });
      const disabled = await world.account({ name: "disabled" });
      await world.server.command("users", "disable", disabled.email);
      const unknown = await say(page, { ...fields, email: world.freshEmail("nobody") });
      assert.ok([200, 303, 401, 422].includes(unknown.status), `${unknown.status} ${unknown.text}`);
      for (const email of [known.email, known.email.toUpperCase(), disabled.email]) {
        const answer = await say(page, { ...fields, email });
        assert.deepEqual(answer, unknown, email);
      }
      const other = page === "/sign-in" ? known : { email: "no address" };
      const control = await say(page, { ...fields, email: other.email, ...(other.password && { password: other.password }) });
      assert.notDeepEqual(control, unknown, "control: answers can differ");
    });
  }

  test("nor does a disabled account's right password say that it is right", async () => {
    const disabled = await world.account({ name: "disabled" });
    await world.server.command("users", "disable", disabled.email);
    const right = await say("/sign-in", { email: disabled.email, password: disabled.password });
    const wrong = await say("/sign-in", { email: disabled.email, password: WRONG });
    assert.deepEqual(right, wrong);
  });
});

describe("guesses", () => {
  test("are few from one network, and cost the account's owner nothing", async () => {
    const victim = await world.account({ name: "victim" });
    const bystander = await world.account({ name: "bystander" });
    const attacker = "127.200.1.1";
    const guess = (email, password) => say("/sign-in", { email, password }, world.anonymous(attacker));
    for (let count = 0; count < GUESSES_MAX; count += 1) {
      const { status } = await guess(victim.email, WRONG);
      assert.ok(status < 429, `${count}: ${status}`);
    }
    const over = await guess(victim.email, victim.password);
    assert.equal(over.status, 429, "even the right one is not looked at any more");
    assert.match(over.headers["retry-after"], /^\d+$/);
    const spelled = await guess(victim.email.toUpperCase(), victim.password);
    assert.equal(spelled.status, 429, "another spelling has no counter of its own");
    await world.signIn(victim);
    assert.equal((await guess(bystander.email, bystander.password)).status, 303, "control: others may");
  });
});
