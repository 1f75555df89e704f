// What every answer forbids browsers, that pages hold nothing that would need more, and that no other site can show or read them.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { waitUntil } from "../clients/js/support/voxgate.mjs";
import { cast } from "./support/cast.mjs";
import { Elsewhere } from "./support/elsewhere.mjs";
import { PAGES, address, isAsset } from "./support/pages.mjs";
import { routes } from "./support/routes.mjs";
import { things } from "./support/things.mjs";
import { World } from "./support/world.mjs";

const HEADERS = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};
/** What the policy of every page says at least; a page may say less where it names what it needs. */
const POLICY = ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "object-src 'none'"];
/** Sources that a policy may name: this origin, and what a room's own page needs of it. */
const SOURCES = /^('none'|'self'|data:|blob:|(wss?|https?):\/\/localhost:\d+(\/v2)?)$/;

let world;
let elsewhere;
before(async () => {
  world = await World.open();
  await cast(world);
  await things(world);
  elsewhere = await Elsewhere.open();
});
after(async () => {
  await world?.close();
  await elsewhere?.close();
});

function assertForbidding({ headers }, what) {
  for (const [name, value] of Object.entries(HEADERS)) assert.equal(headers[name], value, `${what}: ${name}`);
  const policy = headers["content-security-policy"] ?? "";
  const directives = policy.split(";").map((part) => part.trim()).filter(Boolean);
  for (const wanted of POLICY) assert.ok(directives.includes(wanted), `${what}: ${wanted} in ${policy}`);
  for (const directive of directives) {
    const [, ...sources] = directive.split(/\s+/);
    for (const source of sources) assert.match(source, SOURCES, `${what}: ${policy}`);
  }
}

describe("answers", () => {
  for (const page of PAGES) {
    test(`${page.name} is strict and holds nothing inline`, async () => {
      const answer = await world.caller(page.as).get(address(page, world));
      assertForbidding(answer, page.name);
      assert.match(answer.headers["content-type"], /^text\/html; charset=utf-8$/);
      assert.match(answer.headers["cache-control"], /no-store/);
      assert.doesNotMatch(answer.text, /<script(?![^>]*\bsrc=")/i);
      assert.doesNotMatch(answer.text, /<style\b|<[^>]*\s(?:style|on\w+)\s*=|<[^>]*javascript:/i);
      for (const [, source] of answer.text.matchAll(/<(?:script|img|link|iframe|audio|video|source)\b[^>]*(?:src|href)="([^"]*)"/gi)) {
        // A place in the page itself (`rel=expect`) loads nothing.
        assert.match(source, /^(?:\/(?!\/)|#[a-z-]+$)/, "everything that a page loads is the portal's own");
      }
    });
  }

  test("so are assets, refusals and what isn't there", async () => {
    const assets = (await routes()).map(({ path }) => path).filter((path) => isAsset(path) && !path.includes("{"));
    assert.ok(assets.length > 1);
    for (const path of assets) {
      const answer = await world.anonymous().get(path);
      assert.equal(answer.status, 200, path);
      assertForbidding(answer, path);
    }
    const forged = await world.caller("owner").copy().post("/sign-out", {});
    assert.equal(forged.status, 403);
    assertForbidding(forged, "a forged form");
    const turned = await world.anonymous().get("/settings/profile");
    assert.equal(turned.status, 303);
    assertForbidding(turned, "a redirect");
  });

  test("no page answers to another site's script", async () => {
    for (const Origin of ["http://127.0.0.1:1", "http://localhost:1", "null"]) {
      const answer = await world.caller("owner").get("/settings/profile", { Origin });
      assert.equal(answer.headers["access-control-allow-origin"], undefined);
      assert.equal(answer.headers["access-control-allow-credentials"], undefined);
    }
  });
});

describe("in Chromium", () => {
  for (const host of ["127.0.0.1", "localhost"]) {
    const whose = host === "localhost" ? "the same site's other port" : "another site";

    test(`${whose} can't frame a page`, async () => {
      elsewhere.page = `<!doctype html><title>frames</title><iframe src="${world.origin}/settings/profile"></iframe>`;
      const { context, page } = await world.profile({ caller: world.caller("owner") });
      await page.goto(elsewhere.at(host));
      await page.waitForLoadState("load");
      const frame = page.frames().find((each) => each !== page.mainFrame());
      await waitUntil("Chromium's own page about what it didn't show", () => frame.url().startsWith("chrome-error:"));
      await page.goto("/settings/profile");
      assert.ok((await page.locator("h1").count()) > 0, "control");
      await context.close();
    });

    test(`${whose} can't read a page or reach into its window`, async () => {
      elsewhere.page = "<!doctype html><title>reads</title>";
      const { context, page } = await world.profile({ caller: world.caller("owner") });
      await page.goto(elsewhere.at(host));
      const read = await page.evaluate(async (origin) => {
        const tries = { cors: { credentials: "include" }, opaque: { credentials: "include", mode: "no-cors" } };
        const said = {};
        for (const [name, options] of Object.entries(tries)) {
          said[name] = await fetch(`${origin}/settings/profile`, options).then((answer) => answer.type).catch(() => "blocked");
        }
        return said;
      }, world.origin);
      assert.deepEqual(read, { cors: "blocked", opaque: "blocked" });
      const opening = context.waitForEvent("page");
      const reached = page.evaluate((origin) => {
        globalThis.opened = open(`${origin}/settings/profile`);
      }, world.origin);
      const popup = await opening;
      await reached;
      await popup.waitForLoadState("load");
      assert.equal(await popup.evaluate(() => globalThis.opener), null);
      assert.equal(await page.evaluate(() => globalThis.opened.closed), true, "the opener holds a window that is none");
      await context.close();
    });
  }
});
