// Every page in light and dark, narrow and wide: accessible, still, light, within its policy, and in a picture.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { cast } from "./support/cast.mjs";
import * as look from "./support/look.mjs";
import { NOT_PAGES, PAGES, address, isAsset } from "./support/pages.mjs";
import { routes } from "./support/routes.mjs";
import { things } from "./support/things.mjs";
import { World } from "./support/world.mjs";

const SIZES = [
  { width: 360, height: 800 },
  { width: 1440, height: 900 },
];

let world;
before(async () => {
  world = await World.open();
  await cast(world);
  await things(world);
});
after(() => world?.close());

test("no page is left out", async () => {
  const served = (await routes()).filter(({ path, methods }) => methods.includes("get") && !isAsset(path));
  const listed = new Set([...PAGES.map(({ route }) => route), ...Object.keys(NOT_PAGES)]);
  const missing = served.map(({ path }) => path).filter((path) => !listed.has(path));
  assert.deepEqual(missing, [], "add them to support/pages.mjs");
  const gone = [...listed].filter((path) => !served.some((route) => route.path === path));
  assert.deepEqual(gone, [], "support/pages.mjs lists what is served no more");
});

for (const colorScheme of ["light", "dark"]) {
  describe(`in ${colorScheme}`, { concurrency: 2 }, () => {
    for (const page of PAGES) {
      test(page.name, () => lookAt(page, colorScheme));
    }
  });
}

async function lookAt(listed, colorScheme) {
  const { name, as } = listed;
  const caller = world.caller(as);
  const faults = [];
  for (const viewport of SIZES) {
    const opened = await world.profile({ caller, colorScheme, viewport });
    const { context, page } = opened;
    await page.addInitScript(look.observe);
    const bytes = await look.weigh(context, page, async () => {
      const answer = await page.goto(address(listed, world));
      assert.equal(answer.status(), listed.answers ?? 200, await page.title());
      if (listed.press) await press(page, listed.press);
    });
    if (bytes > look.PAGE_BYTES_MAX) faults.push(`it weighs ${bytes} bytes`);
    faults.push(...(await look.shapeFaults(page)), ...opened.faults);
    // What narrow pages say is the same in both schemes.
    if (viewport.width > 360 || colorScheme === "light") faults.push(...(await look.accessibilityFaults(page)));
    await look.picture(page, `${name}-${viewport.width}-${colorScheme}`);
    await context.close();
  }
  assert.deepEqual(faults, []);
}

/** Fills in a form as the list says, to see what comes then. */
async function press(page, { fill, open, then = {}, check, button }) {
  const main = page.getByRole("main");
  for (const [label, text] of Object.entries(fill)) await main.getByLabel(label, { exact: true }).fill(text);
  if (open) await main.getByText(open).click();
  for (const [label, text] of Object.entries(then)) await main.getByLabel(label, { exact: true }).fill(text);
  if (check) await main.getByRole("checkbox", { name: check }).check();
  const loaded = page.waitForEvent("load");
  await main.getByRole("button", { name: button, exact: true }).click();
  await loaded;
}
