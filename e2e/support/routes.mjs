// The portal's routes, read from the source that serves them, so that no page can be left out of the tests.

import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("../../crates/portal/src/", import.meta.url));
const METHODS = ["get", "post", "put", "patch", "delete", "any"];

/** Every route of the portal: `{ path, methods }`, by path. */
export async function routes() {
  const found = new Map();
  for (const file of await sources(SOURCE)) {
    for (const { path: route, methods } of routesIn(await readFile(file, "utf8"))) {
      found.set(route, [...new Set([...(found.get(route) ?? []), ...methods])].sort());
    }
  }
  return [...found].map(([route, methods]) => ({ path: route, methods })).sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function sources(folder) {
  const entries = await readdir(folder, { recursive: true });
  return entries.filter((name) => name.endsWith(".rs")).map((name) => path.join(folder, name)).sort();
}

/** The calls `.route("/path", get(…).post(…))` of one source text; a path may be a constant of the same file. */
export function routesIn(source) {
  const constants = Object.fromEntries([...source.matchAll(/const (\w+): &str = "([^"]*)"/g)].map(([, name, text]) => [name, text]));
  const found = [];
  for (const match of source.matchAll(/\.route\(\s*(?:"([^"]+)"|([\w:]+))\s*,/g)) {
    const route = match[1] ?? constants[match[2]];
    if (route === undefined) throw new Error(`the path ${match[2]} can't be read: give it as a text or a constant of its file`);
    const handlers = untilClosed(source, match.index + match[0].length);
    const methods = METHODS.filter((method) => new RegExp(`(?:^|[^\\w:])(?:\\w+::)*${method}\\(`).test(handlers));
    if (methods.length === 0) throw new Error(`the methods of ${route} can't be read: ${handlers}`);
    found.push({ path: route, methods });
  }
  return found;
}

function untilClosed(source, start) {
  let open = 1;
  for (let at = start; at < source.length; at += 1) {
    if (source[at] === "(") open += 1;
    if (source[at] === ")") open -= 1;
    if (open === 0) return source.slice(start, at);
  }
  return source.slice(start);
}
