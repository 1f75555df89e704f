// The mails of a dev instance, from the page that shows them.

import { waitUntil } from "../../clients/js/support/voxgate.mjs";
import { unescape } from "./raw.mjs";

/** The mails to an address, the newest first: `{ subject, link, text }`. */
export async function mailsTo(world, email) {
  const { text } = await world.anonymous().get("/dev/mail");
  const articles = [...text.matchAll(/<article\b[\s\S]*?<\/article>/g)].map(([article]) => article);
  return articles
    .filter((article) => unescape(article).includes(`To ${email},`))
    .map((article) => ({
      subject: unescape(article.match(/<h2>([\s\S]*?)<\/h2>/)[1]),
      link: unescape(article.match(/<a href="([^"]+)"/)?.[1] ?? ""),
      text: unescape(article.replace(/<[^>]+>/g, " ")),
    }));
}

/** The one-time link of the newest mail to an address that has one, but `not` this one. */
export async function mailLink(world, email, { not } = {}) {
  let found;
  await waitUntil(`a link to ${email}`, async () => {
    const mails = await mailsTo(world, email);
    found = mails.map(({ link }) => link).find((link) => link.includes("=") && link !== not);
    return found !== undefined;
  });
  return found;
}
