// Something of everything in the cast's workspace, so that no page is empty, with the ids that addresses of pages need.

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
  Object.assign(world.ids, {
    key: key.id,
    session: sessions[0].session_id,
    token: token.token_id,
    project: project.project_id,
  });
}
