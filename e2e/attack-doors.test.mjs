// Every route of the portal, tried by every kind of caller with ids of somebody else's things, and by forged forms. Beside
// each refusal stands the one caller who may, last of all.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { EVERYBODY, OUTSIDERS, cast } from "./support/cast.mjs";
import { DOORS, PUBLIC, open } from "./support/doors.mjs";
import { also, forgeries, tokenOf } from "./support/forgeries.mjs";
import { PAGES, address } from "./support/pages.mjs";
import { routes } from "./support/routes.mjs";
import { things } from "./support/things.mjs";
import { World } from "./support/world.mjs";

let world;
before(async () => {
  world = await World.open();
  await cast(world);
  await things(world);
});
after(() => world?.close());

/** What somebody gets who asks for what only `needs` may have; undefined where they may. */
function refusal(needs, who) {
  if (needs === "anybody") return undefined;
  if (OUTSIDERS.includes(who)) return { status: 303, location: /^\/sign-in(\?|$)/ };
  if (needs === "account") return undefined;
  if (needs === "operator") return who === "operator" ? undefined : { status: 404 };
  if (who === "homeless") return { status: 303, location: /^\/workspaces\/new/ };
  if (needs === "admin" && who === "member") return { status: 403 };
  return undefined;
}

/** Somebody else's things are not there for these. */
const isForeign = (door, who) => door.isOwned && ["stranger", "operator"].includes(who);

test("no route is left out", async () => {
  const posts = (await routes()).filter(({ methods }) => methods.some((method) => method !== "get")).map(({ path }) => path);
  const known = new Set([...DOORS, ...PUBLIC].map(({ route }) => route));
  assert.deepEqual(posts.filter((path) => !known.has(path)), [], "add them to support/doors.mjs");
  assert.deepEqual([...known].filter((path) => !posts.includes(path)), [], "support/doors.mjs lists what is served no more");
});

describe("pages", () => {
  for (const page of PAGES.filter(({ needs }) => needs !== undefined)) {
    test(`${page.name} is for ${page.needs}`, async () => {
      const path = address(page, world);
      for (const who of EVERYBODY) {
        const answer = await world.caller(who).copy().get(path);
        const refused = isForeign(page, who) ? { status: 404 } : refusal(page.needs, who);
        if (!refused) {
          assert.ok([200, 303].includes(answer.status), `${who}: ${answer.status}`);
          assert.doesNotMatch(answer.location ?? "", /^\/sign-in/, who);
          continue;
        }
        assert.equal(answer.status, refused.status, `${who}: ${answer.text.slice(0, 300)}`);
        if (refused.location) assert.match(answer.location, refused.location, who);
      }
    });
  }
});

describe("forms", () => {
  for (const door of DOORS) {
    test(`${door.route} is for ${door.needs}, and is not forged`, async () => {
      const { path, fields, allowed } = await open(world, door);
      const before = await world.now();
      for (const who of EVERYBODY) {
        const refused = isForeign(door, who) ? { status: 404 } : refusal(door.needs, who);
        if (!refused) continue;
        const caller = world.caller(who).copy();
        const answer = await caller.post(path, also(fields, { form_token: await tokenOf(caller) }));
        assert.equal(answer.status, refused.status, `${who}: ${answer.text.slice(0, 300)}`);
        if (refused.location) assert.match(answer.location, refused.location, who);
      }
      const token = await tokenOf(allowed);
      for (const [what, attempt] of await forgeries(world, allowed, path, fields, token)) {
        const answer = await attempt();
        assert.ok([400, 403].includes(answer.status), `${what}: ${answer.status} ${answer.location}`);
      }
      const changes = (await world.done(before)).map(({ action }) => action);
      assert.deepEqual(changes.filter((action) => action !== "sign_in_failed"), []);

      const done = await allowed.post(path, also(fields, { form_token: token }));
      assert.ok((door.answers ?? [200, 303]).includes(done.status), `control: ${done.status} ${done.text.slice(0, 2000)}`);
      assert.doesNotMatch(done.location ?? "", /^\/(sign-in|confirm)/, "control");
      if (door.changes !== false) assert.notEqual(await world.now(), before, "the control changed nothing");
    });
  }
});
