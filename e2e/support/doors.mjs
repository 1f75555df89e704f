// Every form of the portal: who may send it, and one that would be taken. What a form does to things is done to a fresh one,
// so that every door can be tried alone. `isOwned`: it names somebody's thing, which others are not to find. `answers`: what
// whoever may is told, where it isn't "done".

import { addPasskey, device } from "./passkeys.mjs";
import { openSession } from "./realtime.mjs";
import { forms } from "./raw.mjs";
import { totp } from "./totp.mjs";

const keyPage = (rest) => async (world) => `/settings/api-keys/${(await world.own.key()).id}${rest}`;

async function tokenPage(world) {
  const made = await world.server.command("tokens", "create", "--permissions", "view_usage", "--workspace", world.own.id);
  return `/settings/management-tokens/${made.token_id}/revoke`;
}

const projectPage = (rest) => async (world) => {
  const { project_id: id } = await world.own.manage("POST", "/v1/projects", { name: `for a door ${Math.random()}` });
  return `/settings/projects/${id}${rest}`;
};

const memberPage = async (world) => `/settings/members/${(await world.account({ workspace: world.own.id, role: "member" })).id}`;

async function invited(world, by) {
  await by.copy().submit("/settings/members/invite", "/settings/members/invite", { email: world.freshEmail("invited") });
  return "/settings/members/invitations";
}

async function sessionPage(world) {
  const key = await world.own.key();
  await openSession(world.server.realtimeUrl, key.secret);
  const { sessions } = await world.own.manage("GET", `/v1/sessions?apikey_id=${key.id}`);
  return `/sessions/${sessions[0].session_id}/end`;
}

async function keySessionsPage(world) {
  const key = await world.own.key();
  await openSession(world.server.realtimeUrl, key.secret);
  return `/sessions/of-key/${key.id}/end`;
}

/** The playground's page after it made a key: the answer to its form. */
async function minted(world, by) {
  return by.copy().submit("/playground", "/playground");
}

const accountPage = async (world) => `/instance/accounts/${(await world.account()).id}`;

async function disabledPage(world) {
  const account = await world.account();
  await world.server.command("users", "disable", account.email);
  return `/instance/accounts/${account.id}`;
}

async function operatorPage(world) {
  const account = await world.account();
  await world.server.command("users", "operator", account.email);
  return `/instance/accounts/${account.id}`;
}

const workspacePage = (rest) => async (world) => {
  const made = await world.server.command("workspaces", "create", "--name", "for a door");
  return `/instance/workspaces/${made.workspace_id}${rest}`;
};

/** Somebody who is admin of a workspace of their own, which the door may close or leave. */
async function adminElsewhere(world) {
  const { workspace_id: workspace } = await world.server.command("workspaces", "create", "--name", "for a door");
  return world.person({ name: "admin", workspace });
}

/** Somebody with two workspaces. */
async function withTwo(world) {
  const person = await adminElsewhere(world);
  await person.copy().submit("/workspaces/new", "/workspaces/new", { name: "another" });
  return person;
}

/** Somebody who is signed in with two browsers. */
async function inTwoPlaces(world) {
  const person = await world.person();
  await world.signIn(person);
  return person;
}

/** Somebody who added a passkey in a browser. */
async function withPasskey(world) {
  const person = await world.person();
  const { context, page } = await world.profile({ caller: person });
  await device(context, page);
  await addPasskey(page, "a passkey");
  // Whoever adds a factor goes on in a session of a new name.
  for (const { name, value } of await context.cookies()) person.cookies.set(name, value);
  await context.close();
  return person;
}

const ownPassword = (_, by) => ({ password: by.password });

/** What an app shows that took the secret on the page. */
const rightCode = (_, _by, html) => ({ code: totp(html.match(/<code id="secret"[^>]*>([^<]+)</)[1]) });

/** Somebody with an authenticator app. */
export async function guarded(world) {
  const person = await world.person();
  const path = "/settings/security/authenticator";
  const { text } = await person.get(path);
  const form = forms(text).find(({ action }) => action(path) === path);
  const answer = await person.post(path, form.filled(rightCode(world, person, text)));
  if (answer.status !== 200) throw new Error(`the app was not taken: ${answer.status} ${answer.text}`);
  return person;
}

/**
 * Forms for those who are signed in: `needs` says who may send it, `page` where it stands, `fields` what is filled in, `by`
 * who does (the owner, unless told otherwise). `changes: false` where nothing is written into the audit log.
 */
export const DOORS = [
  { route: "/settings/api-keys", needs: "member", page: "/settings/api-keys", fields: { name: "made at the door" } },
  { route: "/settings/api-keys/find", needs: "member", page: "/settings/api-keys/find", fields: { secret: "vgk_x" }, changes: false, answers: [422] },
  { route: "/settings/api-keys/{id}", needs: "member", isOwned: true, page: keyPage(""), fields: { name: "changed" } },
  { route: "/settings/api-keys/{id}/revoke", needs: "member", isOwned: true, page: keyPage("/revoke") },
  { route: "/settings/api-keys/{id}/rotate", needs: "member", isOwned: true, page: keyPage("/rotate") },
  { route: "/settings/api-keys/{id}/leaked", needs: "member", isOwned: true, page: keyPage("/leaked") },
  { route: "/settings/management-tokens", needs: "admin", page: "/settings/management-tokens", fields: { name: "made at the door", permissions: ["view_usage"] } },
  { route: "/settings/management-tokens/{id}/revoke", needs: "admin", isOwned: true, page: tokenPage },
  { route: "/sessions/{id}/end", needs: "member", isOwned: true, page: sessionPage, fields: { reason: "over" } },
  { route: "/sessions/of-key/{id}/end", needs: "member", isOwned: true, page: keySessionsPage, fields: { reason: "over" } },
  { route: "/playground", needs: "member", page: "/playground", changes: false },
  { route: "/playground/revoke", needs: "member", page: minted },
  { route: "/settings/workspace", needs: "admin", page: "/settings/workspace", fields: { name: "Acme at the door" } },
  { route: "/settings/workspace/close", needs: "admin", page: "/settings/workspace/close", by: adminElsewhere, fields: { name: "for a door" } },
  { route: "/workspaces/new", needs: "account", page: "/workspaces/new", by: (world) => world.person(), fields: { name: "made at the door" } },
  { route: "/workspaces/switch", needs: "account", isOwned: true, page: "/settings/workspaces", by: withTwo, changes: false },
  { route: "/settings/projects/new", needs: "admin", page: "/settings/projects/new", fields: { name: "made at the door" } },
  { route: "/settings/projects/{id}", needs: "admin", isOwned: true, page: projectPage(""), fields: { name: "changed" } },
  { route: "/settings/projects/{id}/delete", needs: "admin", isOwned: true, page: projectPage("/delete") },
  { route: "/settings/members/invite", needs: "admin", page: "/settings/members/invite", fields: { email: "invited-at-the-door@example.org" } },
  // The only invitation there is was sent just now, which is too soon to send it again.
  { route: "/settings/members/invitations/{id}/resend", needs: "admin", isOwned: true, page: invited, by: adminElsewhere, changes: false, answers: [409] },
  { route: "/settings/members/invitations/{id}/withdraw", needs: "admin", isOwned: true, page: invited },
  { route: "/settings/members/{id}", needs: "admin", isOwned: true, page: memberPage, fields: { role: "admin" } },
  { route: "/settings/members/{id}/remove", needs: "admin", isOwned: true, page: memberPage },
  { route: "/sign-out", needs: "anybody", page: "/settings/profile", by: (world) => world.person() },
  { route: "/confirm", needs: "account", page: "/confirm", by: (world) => world.person(), fields: ownPassword },
  { route: "/settings/profile", needs: "account", page: "/settings/profile", by: (world) => world.person(), fields: { time_zone: "Asia/Tokyo" } },
  { route: "/settings/profile/email", needs: "account", page: "/settings/profile/email", by: (world) => world.person(), fields: { email: "moved-at-the-door@example.org" } },
  { route: "/settings/profile/password", needs: "account", page: "/settings/profile/password", by: (world) => world.person(), fields: (_, by) => ({ current: by.password, password: "another long password" }) },
  { route: "/settings/devices", needs: "account", page: "/settings/devices", by: inTwoPlaces },
  { route: "/settings/devices/{id}/sign-out", needs: "account", isOwned: true, page: "/settings/devices", by: inTwoPlaces },
  { route: "/settings/delete-account", needs: "account", page: "/settings/delete-account", by: (world) => world.person(), fields: { is_meant: "yes" } },
  { route: "/settings/security/authenticator", needs: "account", page: "/settings/security/authenticator", by: (world) => world.person(), fields: rightCode },
  { route: "/settings/security/authenticator/remove", needs: "account", page: "/settings/security", by: guarded },
  { route: "/settings/security/recovery-codes", needs: "account", page: "/settings/security", by: guarded },
  { route: "/settings/security/passkeys", needs: "account", page: "/settings/security/passkeys", by: (world) => world.person(), fields: { name: "x", answer: "{}" }, changes: false, answers: [422] },
  { route: "/settings/security/passkeys/{id}/rename", needs: "account", isOwned: true, page: "/settings/security", by: withPasskey, fields: { name: "renamed" } },
  { route: "/settings/security/passkeys/{id}/remove", needs: "account", isOwned: true, page: "/settings/security", by: withPasskey },
  // Where no provider is configured there is nothing to link: who may ask is all that can be shown.
  { route: "/settings/security/identities/link", needs: "account", made: { provider: "none" }, changes: false, answers: [404] },
  { route: "/settings/security/identities/confirm", needs: "account", made: { ticket: "none" }, changes: false, answers: [409] },
  { route: "/settings/security/identities/unlink", needs: "account", made: { provider: "none", subject: "none" }, changes: false, answers: [404] },
  { route: "/instance/workspaces/{id}", needs: "operator", by: "operator", page: workspacePage(""), fields: { plan: "free" } },
  { route: "/instance/workspaces/{id}/close", needs: "operator", by: "operator", page: workspacePage("/close"), fields: { name: "for a door" } },
  { route: "/instance/accounts/{id}/disable", needs: "operator", by: "operator", page: accountPage },
  { route: "/instance/accounts/{id}/enable", needs: "operator", by: "operator", page: disabledPage },
  { route: "/instance/accounts/{id}/make-operator", needs: "operator", by: "operator", page: accountPage },
  { route: "/instance/accounts/{id}/remove-operator", needs: "operator", by: "operator", page: operatorPage },
  { route: "/instance/accounts/{id}/sign-out", needs: "operator", by: "operator", page: accountPage },
  { route: "/instance/accounts/{id}/send-reset-link", needs: "operator", by: "operator", page: accountPage },
  { route: "/instance/signing-keys", needs: "operator", by: "operator", page: "/instance/signing-keys" },
  { route: "/instance/mail", needs: "operator", by: "operator", page: "/instance/mail", fields: { to: "somebody@example.org" }, changes: false },
];

/** Forms for anybody: their own tests are about what they say. */
export const PUBLIC = [
  "/register",
  "/verify-email",
  "/sign-in",
  "/sign-in/factor",
  "/sign-in/factor/passkey",
  "/sign-in/passkey",
  "/forgot-password",
  "/reset-password",
  "/change-email",
  "/set-up",
  "/invitations/register",
  "/invitations/accept",
  "/sign-in/with/{provider}/register",
].map((route) => ({ route }));

/** Opens the page with a door's form as the one who may, and fills it in. */
export async function open(world, door) {
  if (door.made) return { path: door.route, fields: new URLSearchParams(door.made), allowed: world.caller("owner") };
  const by = typeof door.by === "function" ? await door.by(world) : world.caller(door.by ?? "owner");
  const page = typeof door.page === "function" ? await door.page(world, by) : door.page;
  const opened = typeof page === "string" ? await by.get(page) : page;
  const pattern = new RegExp(`^${door.route.replace(/\{\w+\}/g, "[^/]+")}$`);
  const form = forms(opened.text).find(({ method, action }) => method === "post" && pattern.test(action(page)));
  if (!form) throw new Error(`${page} (${opened.status} ${opened.location ?? ""}) has no form for ${door.route}`);
  const given = typeof door.fields === "function" ? door.fields(world, by, opened.text) : (door.fields ?? {});
  const filled = form.filled(given);
  filled.delete("form_token");
  return { path: form.action(page), fields: filled, allowed: by };
}
