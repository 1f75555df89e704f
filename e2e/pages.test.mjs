// The list of pages, on which most tests stand, is whole.

import assert from "node:assert/strict";
import { test } from "node:test";

import { NOT_PAGES, PAGES, isAsset } from "./support/pages.mjs";
import { routes, routesIn } from "./support/routes.mjs";

test("no page is left out", async () => {
  const served = (await routes()).filter(({ path, methods }) => methods.includes("get") && !isAsset(path)).map(({ path }) => path);
  const listed = new Set([...PAGES.map(({ route }) => route), ...Object.keys(NOT_PAGES)]);
  assert.deepEqual(served.filter((path) => !listed.has(path)), [], "add them to pages.json");
  assert.deepEqual([...listed].filter((path) => !served.includes(path)), [], "pages.json lists what is served no more");
});

test("names are told apart", () => {
  assert.equal(new Set(PAGES.map(({ name }) => name)).size, PAGES.length);
});

test("routes are read in every form that they are written in", () => {
  const source = `const PATH: &str = "/a"; .route(PATH, get(x).post(y::post)) .route(\n "/b/{id}",\n axum::routing::post(f(1, 2)),\n)`;
  assert.deepEqual(routesIn(source), [
    { path: "/a", methods: ["get", "post"] },
    { path: "/b/{id}", methods: ["post"] },
  ]);
  assert.throws(() => routesIn(".route(ELSEWHERE, get(x))"), /ELSEWHERE/);
});
