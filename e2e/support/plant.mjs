// Hostile names for everything that has one, by every way in which a name comes in.

import { SHORT } from "./hostile.mjs";
import { openSession } from "./realtime.mjs";

/** Plants them, each with a mark of its own, and gives the marks. */
export async function plant(world) {
  const marks = {};
  const name = (what) => {
    marks[what] = `mark-${what.replaceAll(" ", "-")}`;
    return `${SHORT}${marks[what]}`;
  };
  const { server } = world;
  const key = await world.own.key(name("key"));
  await server.command("projects", "create", "--name", name("project"), "--workspace", world.ids.workspace);
  await server.command("tokens", "create", "--name", name("token"), "--permissions", "view_usage", "--workspace", world.ids.workspace);
  const ofSomebody = await server.mint(key.secret, "rt", { client_ref: name("client ref") });
  await openSession(server.realtimeUrl, ofSomebody);
  const owner = world.caller("owner");
  const browser = world.anonymous();
  const page = await browser.get("/sign-in", { "User-Agent": name("browser") });
  const token = page.text.match(/name="form_token" value="([^"]+)"/)[1];
  const fields = { email: owner.email, password: owner.password, form_token: token };
  await browser.post("/sign-in", fields, { "User-Agent": `${SHORT}${marks.browser}` });
  // A browser is shown by the name that people call it, so what it called itself stands nowhere.
  delete marks.browser;
  return marks;
}
