// Something of everything in the cast's workspace, so that no page is empty, with the ids that addresses of pages need.

import { guarded } from "./doors.mjs";
import { mailLink } from "./mail.mjs";
import { openSession } from "./realtime.mjs";

/** Makes them; the session stays open until Voxgate ends. */
export async function things(world) {
  const { server, own } = world;
  const key = await own.key("transcription service");
  for (const name of ["laptop", "a name that is longer than names usually are, for the narrow screen"]) await own.key(name);
  const revoked = await own.key("revoked");
  await own.manage("DELETE", `/v1/api-keys/${revoked.id}`);
  await server.jobsStatus(key.secret);
  const ofSomebody = await server.mint(key.secret, "rt", { client_ref: "an-end-user" });
  await openSession(`${server.realtimeUrl}?jwt=${ofSomebody}`);
  const { sessions } = await own.manage("GET", "/v1/sessions");
  const token = await server.command("tokens", "create", "--name", "dashboard", "--permissions", "view_usage", "--workspace", own.id);
  const project = await own.manage("POST", "/v1/projects", { name: "Subtitles", description: "for films" });
  await people(world);
  Object.assign(world.ids, {
    key: key.id,
    session: sessions[0].session_id,
    token: token.token_id,
    project: project.project_id,
  });
}

/** Those who stand in a door: invited, registered, without a password, at their second factor. */
async function people(world) {
  const owner = world.caller("owner");
  const secret = async (email, name) => new URL(await mailLink(world, email)).searchParams.get(name);
  const invited = world.freshEmail("invited");
  await owner.copy().submit("/settings/members/invite", "/settings/members/invite", { email: invited });
  const registered = world.freshEmail("registered");
  await world.anonymous().submit("/register", "/register", { email: registered, password: "a long enough password" });
  const forgetful = await world.account({ name: "forgetful" });
  await world.anonymous().submit("/forgot-password", "/forgot-password", { email: forgetful.email });
  const moving = await world.person({ name: "moving" });
  const moved = world.freshEmail("moved");
  await moving.submit("/settings/profile/email", "/settings/profile/email", { email: moved });
  const guardedOne = world.introduce("guarded", await guarded(world));
  const pending = world.introduce("pending", world.anonymous());
  await pending.submit("/sign-in", "/sign-in", { email: guardedOne.email, password: guardedOne.password });
  Object.assign(world.ids, {
    invitation: await secret(invited, "token"),
    verify: await secret(registered, "token"),
    reset: await secret(forgetful.email, "token"),
    change: await secret(moved, "token"),
  });
}
