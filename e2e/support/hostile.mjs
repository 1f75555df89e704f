// Text that would become part of a page if any place took it for markup, and the eye that sees whether it did.

/** Leaves an attribute of either quote, a comment, a title or a script, and makes an element that nothing of ours makes. */
export const HOSTILE = `"'--></title></script><hostile-x a=b><img src=x onerror=alert(1)>`;
/** The same where a text may be no longer than a name. */
export const SHORT = `"'><hostile-x><img src=x onerror=alert(1)>`;
/** What can stand in a header. */
export const HEADER = `"'><hostile-x><img src=x onerror=alert(1)>`;

/** What became of it on a page that is open, as a list of complaints. */
export function injected(page) {
  return page.evaluate(() => {
    const handlers = [...document.querySelectorAll("*")].filter((element) => [...element.attributes].some(({ name }) => name.startsWith("on")));
    const found = [...document.querySelectorAll("hostile-x, img[src=x]"), ...handlers];
    const links = [...document.querySelectorAll("[href], [src], [action], [formaction]")].filter((element) =>
      ["href", "src", "action", "formaction"].some((name) => /^\s*(javascript|data|vbscript):/i.test(element.getAttribute(name) ?? "")),
    );
    return [...new Set([...found, ...links])].map((element) => element.outerHTML.slice(0, 200));
  });
}

/** The same for the text of an answer: read by Chromium's parser, never shown. */
export function injectedIn(page, html) {
  return page.evaluate((text) => {
    const read = new DOMParser().parseFromString(text, "text/html");
    return [...read.querySelectorAll("hostile-x, img[src=x], [onerror]")].map((element) => element.outerHTML.slice(0, 200));
  }, html);
}
