// Every form of the portal: who may send it, and one that would be taken. What a form does to things is done to a fresh one,
// so that every door can be tried alone. `isOwned`: it names somebody's thing, which others are not to find.

import { forms } from "./raw.mjs";

/** An address that no one else gets in the way of. */
const keyPage = (rest) => async (world) => `/settings/api-keys/${(await world.own.key()).id}${rest}`;

/**
 * Forms for those who are signed in: `needs` says who may send it, `page` where it stands, `fields` what is filled in, `by`
 * who does (the owner, unless told otherwise). `changes: false` where nothing is written down.
 */
export const DOORS = [
  { route: "/settings/api-keys", needs: "member", page: "/settings/api-keys", fields: { name: "made at the door" } },
  { route: "/settings/api-keys/find", needs: "member", page: "/settings/api-keys/find", fields: { secret: "vgk_x" }, changes: false, answers: 422 },
  { route: "/settings/api-keys/{id}", needs: "member", isOwned: true, page: keyPage(""), fields: { name: "changed" } },
  { route: "/settings/api-keys/{id}/revoke", needs: "member", isOwned: true, page: keyPage("/revoke") },
  { route: "/settings/api-keys/{id}/rotate", needs: "member", isOwned: true, page: keyPage("/rotate") },
  { route: "/settings/api-keys/{id}/leaked", needs: "member", isOwned: true, page: keyPage("/leaked") },
];

/** Forms for anybody: their own tests are about what they say. */
export const PUBLIC = [];

/** Opens the page with a door's form as the one who may, and fills it in. */
export async function open(world, door) {
  const by = typeof door.by === "function" ? await door.by(world) : world.caller(door.by ?? "owner");
  const page = typeof door.page === "function" ? await door.page(world, by) : door.page;
  const opened = await by.get(page);
  const pattern = new RegExp(`^${door.route.replace(/\{\w+\}/g, "[^/]+")}$`);
  const found = forms(opened.text).filter(({ method, action }) => method === "post" && pattern.test(action(page).split("?")[0]));
  const form = door.pick ? found.find(door.pick) : found[0];
  if (!form) throw new Error(`${page} (${opened.status} ${opened.location ?? ""}) has no form for ${door.route}`);
  const given = typeof door.fields === "function" ? await door.fields(world) : (door.fields ?? {});
  const filled = form.filled(given);
  filled.delete("form_token");
  return { path: form.action(page), fields: filled, allowed: by };
}
