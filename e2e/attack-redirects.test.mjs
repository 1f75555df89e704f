// Where a visitor is sent next is a page of this portal, whatever the address that brought them says.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { forms } from "./support/raw.mjs";
import { World } from "./support/world.mjs";

const ELSEWHERE = [
  "//evil.example",
  "///evil.example",
  "////evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "/%5cevil.example",
  "/%2f/evil.example",
  "/%2f%2fevil.example",
  "%2f%2fevil.example",
  "/.//evil.example",
  "/..//evil.example",
  "/\t/evil.example",
  "/\n/evil.example",
  "/\r\nLocation: //evil.example",
  "https://evil.example",
  "HTTPS://evil.example",
  "https:evil.example",
  "http:/evil.example",
  "https://localhost@evil.example",
  "@evil.example",
  ".evil.example",
  ":80@evil.example",
  "javascript:alert(1)",
  "java\tscript:alert(1)",
  "data:text/html,x",
  "/\u2028/evil.example",
  "／／evil.example",
];
const HERE = "/settings/devices?done=saved";

let world;
let account;
before(async () => {
  world = await World.open();
  account = await world.account();
});
after(() => world?.close());

/** Where a browser would go that is on the portal. */
const leadsTo = (location) => new URL(location, world.origin);

describe("after signing in", { concurrency: 1 }, () => {
  test("a page of the portal is gone to", async () => {
    assert.equal(await nextOf(HERE), HERE);
  });

  for (const next of ELSEWHERE) {
    test(JSON.stringify(next), async () => {
      const location = await nextOf(next);
      assert.equal(leadsTo(location).origin, world.origin, location);
      assert.doesNotMatch(leadsTo(location).href, /^javascript|^data/i);
    });
  }
});

/** Follows the link that somebody was sent, signs in on the page that it shows, and tells where that leads. */
async function nextOf(next) {
  const caller = world.anonymous();
  const page = `/sign-in?next=${encodeURIComponent(next)}`;
  const opened = await caller.get(page);
  const form = forms(opened.text).find(({ method, fields }) => method === "post" && fields.some(({ name }) => name === "password"));
  const answer = await caller.post(form.action(page), form.filled({ email: account.email, password: account.password }));
  assert.equal(answer.status, 303, answer.text);
  const already = await caller.get(page);
  if (already.location) assert.equal(leadsTo(already.location).origin, world.origin, already.location);
  return answer.location;
}
