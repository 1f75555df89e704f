// A page in a real browser, on an origin that is not Voxgate's, with the libraries bundled as their users bundle them.

import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium-headless-shell";
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

async function bundle() {
  const entryPoints = [fileURLToPath(new URL("page.mjs", import.meta.url))];
  const built = await build({ entryPoints, bundle: true, write: false, format: "iife", platform: "browser" });
  return built.outputFiles[0].text;
}

/** Serves the page on loopback, opens it, and gives what has to be called to end both. */
export async function openPage() {
  const script = await bundle();
  const page = `<!doctype html><meta charset="utf-8"><title>Voxgate's client tests</title><script>${script.replaceAll("</", "<\\/")}</script>`;
  const server = createServer((request, response) => {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(page);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGUMENTS });
  const opened = await browser.newPage();
  await opened.goto(`http://localhost:${server.address().port}/`);
  const close = async () => {
    await browser.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { page: opened, close };
}
