// Another site has somebody's browser send the portal's forms: in a real browser, which adds what it adds by itself.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { cast } from "./support/cast.mjs";
import { Elsewhere } from "./support/elsewhere.mjs";
import { NOT_PAGES, PAGES, address } from "./support/pages.mjs";
import { things } from "./support/things.mjs";
import { World } from "./support/world.mjs";

let world;
let elsewhere;
let start;
before(async () => {
  world = await World.open();
  await cast(world);
  await things(world);
  elsewhere = await Elsewhere.open();
  start = await world.now();
});
after(async () => {
  await world?.close();
  await elsewhere?.close();
});

/** The owner, in a browser, on a page of another origin. */
async function lured(host, page) {
  elsewhere.page = `<!doctype html><title>elsewhere</title>${page}`;
  const opened = await world.profile({ caller: world.caller("owner") });
  await opened.page.goto(elsewhere.at(host));
  return opened;
}

const unchanged = async () => assert.deepEqual((await world.done(start)).map(({ action }) => action), []);

for (const host of ["127.0.0.1", "localhost"]) {
  describe(`from ${host === "localhost" ? "another port of this site" : "another site"}`, () => {
    test("a form that needs no field is not taken", async () => {
      const action = `${world.origin}/settings/api-keys/${world.ids.key}/revoke`;
      for (const type of ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"]) {
        const { context, page } = await lured(host, `<form method="post" action="${action}" enctype="${type}"><button>Win</button></form>`);
        const answering = page.waitForResponse((response) => response.url() === action);
        await page.getByRole("button", { name: "Win" }).click();
        const status = (await answering).status();
        assert.ok([303, 400, 403].includes(status), `${type}: ${status}`);
        await unchanged();
        await context.close();
      }
    });

    test("nor is one that a script sends", async () => {
      const { context, page } = await lured(host, "");
      const action = `${world.origin}/settings/api-keys/${world.ids.key}/revoke`;
      await page.evaluate(async (url) => {
        const body = new URLSearchParams({ form_token: "" });
        const text = new Blob(["form_token="], { type: "text/plain" });
        const json = new Blob(["{}"], { type: "application/json" });
        for (const options of [{ mode: "no-cors", body }, { mode: "no-cors", body: text }, { body }, { body: json }]) {
          await fetch(url, { method: "POST", credentials: "include", ...options }).catch(() => {});
        }
        navigator.sendBeacon(url, body);
      }, action);
      await page.goto(`${world.origin}/settings/api-keys`);
      await unchanged();
      await context.close();
    });

    test("opening any address of the portal changes nothing", async () => {
      const paths = [...PAGES.filter(({ as }) => as !== "anonymous").map((page) => address(page, world)), ...Object.keys(NOT_PAGES).filter((path) => !path.includes("{"))];
      const { context, page } = await lured(host, paths.map((path) => `<img src="${world.origin}${path}" alt="">`).join(""));
      await page.waitForLoadState("load");
      const [link] = paths;
      await page.evaluate((url) => {
        location.href = url;
      }, `${world.origin}${link}`);
      await page.waitForURL(`${world.origin}/**`);
      await unchanged();
      await context.close();
    });
  });
}

test("control: the owner's own click is taken", async () => {
  const { context, page } = await world.profile({ caller: world.caller("owner") });
  await page.goto(`/settings/api-keys/${world.ids.key}/revoke`);
  await page.getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("status").waitFor();
  assert.deepEqual((await world.done(start)).map(({ action }) => action), ["api_key_revoked"]);
  await context.close();
});
