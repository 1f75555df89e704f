// The list of all pages, from `pages.json`, which the benchmark reads too. What the router serves by GET and neither stands
// there as a page nor is said to be none fails a test.

import { readFileSync } from "node:fs";

const LIST = JSON.parse(readFileSync(new URL("../pages.json", import.meta.url)));

/** Every page: the route that serves it, who looks at it, and its address if the route has parts or needs a query. */
export const PAGES = LIST.pages;

/** What is served by GET and is no page, and why not. */
export const NOT_PAGES = LIST.not_pages;

/** Style, scripts and pictures. */
export const isAsset = (route) => route.startsWith("/assets/");

/** Where a page is, with the ids that `world` has for the parts of its path. */
export function address({ route, path = route }, world) {
  return path.replace(/\{(\w+)\}/g, (whole, name) => {
    if (world.ids[name] === undefined) throw new Error(`the world has no ${name} for ${path}`);
    return encodeURIComponent(world.ids[name]);
  });
}
