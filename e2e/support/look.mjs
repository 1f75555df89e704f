// What is asked of every page's looks: measured in the page, said as a list of complaints.

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import axe from "axe-core";

const SCREENSHOTS = fileURLToPath(new URL("../../target/portal-screenshots/", import.meta.url));
/** Everything that a first visit transfers: the page, its style, its scripts, its pictures, with their headers. */
export const PAGE_BYTES_MAX = 60 * 1024;

/** Notes in the page, from its start, what moves and what its policy forbids. */
export function observe() {
  globalThis.seen = { shifts: [], breaches: [] };
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) {
      if (!shift.hadRecentInput) globalThis.seen.shifts.push(shift.value);
    }
  }).observe({ type: "layout-shift", buffered: true });
  document.addEventListener("securitypolicyviolation", (event) => {
    globalThis.seen.breaches.push(`${event.effectiveDirective}: ${event.blockedURI || event.sample}`);
  });
}

/** Counts the bytes that a page's visit transfers, headers included, as Chromium's network stack counts them. */
export async function weigh(context, page, visit) {
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  let bytes = 0;
  devtools.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  await visit();
  await devtools.detach();
  return bytes;
}

/** The findings of axe-core, all rules that it has for WCAG 2.2 AA and good practice. */
export async function accessibilityFaults(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `axe ${id} (${help}): ${node.html}`));
}

/** Complaints about what has happened on the page since it was opened, and about its width. */
export async function shapeFaults(page) {
  const { shifts, breaches, wide } = await page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const root = document.documentElement;
    const width = root.clientWidth;
    // A page is too wide if it scrolls; the widest elements that nothing clips tell why.
    const sticksOut = (element) => element.getBoundingClientRect().right > width + 1;
    const wide = root.scrollWidth > width ? [...document.body.querySelectorAll("*")].filter(sticksOut).slice(-3) : [];
    const scrolls = root.scrollWidth > width ? [`scrolls to ${root.scrollWidth} of ${width} px`] : [];
    return { ...globalThis.seen, wide: [...scrolls, ...wide.map((element) => element.outerHTML.slice(0, 160))] };
  });
  return [
    ...shifts.map((value) => `layout shift ${value}`),
    ...breaches.map((breach) => `forbidden by the policy: ${breach}`),
    ...wide.map((what) => `too wide: ${what}`),
  ];
}

/** Writes the whole page as a picture for a person to look at. */
export async function picture(page, name) {
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SCREENSHOTS, `${name.replaceAll(/\W+/g, "-")}.png`), fullPage: true });
}
