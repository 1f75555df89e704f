// Every page in one colour scheme, narrow and wide: accessible, still, light, within its policy, and in a picture.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { cast } from "./cast.mjs";
import * as look from "./look.mjs";
import { PAGES, address } from "./pages.mjs";
import { things } from "./things.mjs";
import { World } from "./world.mjs";

const NARROW = { width: 360, height: 800 };
const WIDE = { width: 1440, height: 900 };

/** Defines the tests of one scheme, `light` or `dark`. */
export function looks(colorScheme) {
  let world;
  before(async () => {
    world = await World.open();
    await cast(world);
    await things(world);
  });
  after(() => world?.close());

  describe(`in ${colorScheme}`, { concurrency: 2 }, () => {
    for (const page of PAGES) {
      test(page.name, () => lookAt(world, page, colorScheme));
    }
  });
}

async function lookAt(world, listed, colorScheme) {
  const { name, as } = listed;
  const caller = world.caller(as);
  const faults = [];
  for (const viewport of [NARROW, WIDE]) {
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
    // What axe-core finds doesn't hang on width and scheme together: each page is looked through narrow in light, wide in dark.
    if ((viewport === NARROW) === (colorScheme === "light")) faults.push(...(await look.accessibilityFaults(page)));
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
