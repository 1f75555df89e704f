// Text that somebody brings stays text: in every field of every form and every parameter of every address, stored or thrown
// back at once, seen by the owner and by the instance's operator.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { cast } from "./support/cast.mjs";
import { HOSTILE, SHORT, injected, injectedIn } from "./support/hostile.mjs";
import { plant } from "./support/plant.mjs";
import { PAGES, address } from "./support/pages.mjs";
import { forms } from "./support/raw.mjs";
import { things } from "./support/things.mjs";
import { World } from "./support/world.mjs";

/** Parameters that addresses of lists and of the way back have, beside those that pages' own forms and links name. */
const PARAMETERS = ["after", "search", "next", "done", "since", "until", "group_by", "project", "project_id", "region", "mode"];
/** Forms that end what the walk needs. */
const SPARED = ["/sign-out", "/settings/delete-account", "/settings/profile/password", "/workspaces/switch"];
/** What people type into. */
const TYPED = ["text", "email", "search", "password", "textarea", "url", "tel", "number", "date", "select", "hidden", "checkbox", "radio"];

let world;
let reader;
before(async () => {
  world = await World.open();
  await cast(world);
  await things(world);
  reader = await world.profile();
  await reader.page.goto("/");
});
after(() => world?.close());

const seen = (answer) => injectedIn(reader.page, answer.text);

describe("thrown back at once", { concurrency: 2 }, () => {
  for (const page of PAGES) {
    test(`by ${page.name}`, async () => {
      const caller = world.caller(page.as);
      const path = address(page, world);
      const opened = await caller.get(path);
      for (const name of parameters(opened.text)) {
        const joint = path.includes("?") ? "&" : "?";
        const answer = await caller.get(`${path}${joint}${name}=${encodeURIComponent(HOSTILE)}`);
        assert.ok(answer.status < 500, `${name}: ${answer.status}`);
        assert.deepEqual(await seen(answer), [], name);
      }
      for (const form of forms(opened.text).filter(({ method }) => method === "post")) await fillIn(caller, path, form);
    });
  }

  test("by what isn't there", async () => {
    for (const path of [`/${encodeURIComponent(HOSTILE)}`, `/settings/${encodeURIComponent(HOSTILE)}`, `/?${encodeURIComponent(HOSTILE)}`]) {
      assert.deepEqual(await seen(await world.caller("owner").get(path)), []);
    }
  });
});

/** The names that a page's own forms and links give to parameters. */
function parameters(html) {
  const named = forms(html).filter(({ method }) => method === "get").flatMap(({ fields }) => fields.map(({ name }) => name));
  const linked = [...html.matchAll(/href="[^"?]*\?([^"]+)"/g)].flatMap(([, query]) => [...new URLSearchParams(query).keys()]);
  return [...new Set([...PARAMETERS, ...named, ...linked])].filter((name) => /^\w+$/.test(name));
}

/** Sends a form with hostile text in every field at once, and in each alone. */
async function fillIn(caller, path, form) {
  const action = form.action(path);
  if (SPARED.some((spared) => action.startsWith(spared))) return;
  const names = [...new Set(form.fields.filter(({ name, kind }) => name !== "form_token" && TYPED.includes(kind)).map(({ name }) => name))];
  if (names.length === 0) return;
  // What is closed by telling its name may have this very name by now.
  const whole = Object.fromEntries(names.map((name) => [name, action.endsWith("/close") ? `not ${HOSTILE}` : HOSTILE]));
  for (const fields of [whole, ...names.map((name) => ({ [name]: action.endsWith("/close") ? `not ${SHORT}` : SHORT }))]) {
    const answer = await caller.copy().post(action, form.filled(fields));
    assert.ok(answer.status < 500, `${action} ${JSON.stringify(fields)}: ${answer.status}`);
    assert.deepEqual(await seen(answer), [], `${action} ${JSON.stringify(fields)}`);
  }
}

describe("stored", { concurrency: 1 }, () => {
  let planted;
  before(async () => {
    planted = await plant(world);
    // The forms above made the owner another workspace, which is shown since.
    await world.caller("owner").submit("/settings/workspaces", "/workspaces/switch", { workspace_id: world.own.id });
  });

  for (const who of ["owner", "operator"]) {
    test(`and read by the ${who}`, async () => {
      const { context, page, faults } = await world.profile({ caller: world.caller(who) });
      const shown = new Set();
      for (const listed of PAGES.filter(({ as }) => as !== "anonymous")) {
        await page.goto(address(listed, world));
        faults.push(...(await injected(page)).map((what) => `${listed.name}: ${what}`));
        const text = await page.evaluate(() => document.body.innerHTML + [...document.querySelectorAll("input, textarea")].map(({ value }) => value).join("\n"));
        for (const [what, mark] of Object.entries(planted)) if (text.includes(mark)) shown.add(what);
      }
      assert.deepEqual(faults, []);
      if (who === "owner") assert.deepEqual(Object.keys(planted).filter((what) => !shown.has(what)), [], "control: shown as text nowhere");
      await context.close();
    });
  }
});
