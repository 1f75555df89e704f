// Chromium, as tests want it: quiet, with a microphone that isn't one, and watched for everything that must never happen.

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
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];
/** The longest that an element may let a test wait. */
const ACTION_MILLISECONDS_MAX = 15_000;

export function launch() {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGUMENTS });
}

/**
 * A browser profile of its own, signed in as `caller` if one is given. `faults` collects dialogs, exceptions, errors on the
 * console and breaches of the content security policy; a test that ends well has none.
 */
export async function profile(browser, origin, { caller, ...options } = {}) {
  const context = await browser.newContext({ baseURL: origin, reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(ACTION_MILLISECONDS_MAX);
  if (caller) await context.addCookies(cookiesOf(caller));
  const faults = [];
  context.on("page", (page) => watch(page, faults));
  const page = await context.newPage();
  return { context, page, faults };
}

function watch(page, faults) {
  page.on("dialog", (dialog) => {
    faults.push(`dialog on ${page.url()}: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  page.on("pageerror", (error) => faults.push(`exception on ${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    // Chromium writes one for every answer that is an error, whether a page shows it well or not.
    const isStatus = message.text().startsWith("Failed to load resource: the server responded with a status of");
    if (message.type() === "error" && !(isStatus && message.location().url === page.url())) {
      faults.push(`console on ${page.url()}: ${message.text()} (${message.location().url})`);
    }
  });
}

/** What Playwright wants to know of the cookies of somebody who signed in without a browser. */
function cookiesOf(caller) {
  return [...caller.cookies].map(([name, value]) => {
    return { name, value, url: "https://localhost/", secure: true, httpOnly: true, sameSite: "Lax" };
  });
}
