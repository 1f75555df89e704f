// The JavaScript program on the portal's home page runs as it stands there, against the very instance that shows it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { asWav, toneBursts } from "../support/sound.mjs";
import { Voxgate } from "../support/voxgate.mjs";

const LIBRARIES = fileURLToPath(new URL("../node_modules", import.meta.url));
const RUN_MILLISECONDS_MAX = 60_000;

let server;
before(async () => {
  server = await Voxgate.start();
});
after(() => server?.stop());

/** As much of a browser as signing in takes: requests that keep cookies. */
function browser() {
  const cookies = new Map();
  return async (route, fields) => {
    const response = await fetch(`${server.endpoints.portal_url}${route}`, {
      method: fields ? "POST" : "GET",
      body: fields && new URLSearchParams(fields),
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      redirect: "manual",
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      cookies.set(name, value);
    }
    return { status: response.status, text: await response.text() };
  };
}

/** The home page's program of this id. */
async function program(id) {
  const ask = browser();
  const [, token] = / name="form_token" value="([^"]+)"/.exec((await ask("/sign-in")).text);
  const { email, password } = server.endpoints.account;
  assert.equal((await ask("/sign-in", { form_token: token, email, password })).status, 303);
  const [, text] = new RegExp(`<code id="${id}">(.*?)</code>`, "s").exec((await ask("/")).text);
  return text.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));
}

test("the program hears words", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "snippet-"));
  try {
    await symlink(LIBRARIES, path.join(folder, "node_modules"));
    await writeFile(path.join(folder, "hello.wav"), asWav(toneBursts()));
    await writeFile(path.join(folder, "program.mjs"), await program("realtime-javascript"));
    const env = { PATH: process.env.PATH, API_KEY: server.apiKey };
    const run = promisify(execFile)(process.execPath, ["program.mjs"], { cwd: folder, env, timeout: RUN_MILLISECONDS_MAX });
    assert.match((await run).stdout, /\w/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
