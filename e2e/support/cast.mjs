// Every kind of caller that a route can have, in one workspace and beside it.

/** Those who aren't signed in (any more). */
export const OUTSIDERS = ["anonymous", "disabled", "signed-out"];
/** Those who are. */
export const INSIDERS = ["homeless", "member", "owner", "stranger", "operator"];
export const EVERYBODY = [...OUTSIDERS, ...INSIDERS];

/**
 * Lets them all in. `owner` and `member` are of one workspace, `stranger` is admin of another, `operator` operates the
 * instance and is admin of the workspace that `voxgate dev` makes.
 */
export async function cast(world) {
  const workspace = await world.workspace("Acme", "enterprise");
  const elsewhere = await world.workspace("Elsewhere");
  const operator = await world.account({ name: "operator", workspace: elsewhere.id });
  await world.server.command("users", "operator", operator.email);
  world.introduce("operator", await world.signIn(operator));
  const owner = world.introduce("owner", await world.person({ name: "owner", workspace: workspace.id }));
  world.introduce("owner-elsewhere", await world.signIn(owner));
  world.introduce("member", await world.person({ name: "member", workspace: workspace.id, role: "member" }));
  world.introduce("stranger", await world.person({ name: "stranger", workspace: elsewhere.id }));
  world.introduce("homeless", await world.person({ name: "homeless" }));
  await shutOut(world, workspace.id);
  Object.assign(world.ids, { workspace: workspace.id, owner: owner.accountId, member: world.caller("member").accountId });
  world.own = workspace;
  world.elsewhere = elsewhere;
}

/** Two whose cookies were good once. */
async function shutOut(world, workspace) {
  const disabled = world.introduce("disabled", await world.person({ name: "disabled", workspace }));
  await world.server.command("users", "disable", disabled.email);
  const leaver = await world.person({ name: "leaver", workspace });
  const kept = world.introduce("signed-out", leaver.copy());
  await leaver.submit("/settings/api-keys", "/sign-out");
  for (const caller of [disabled, kept]) {
    if (caller.cookies.size === 0) throw new Error("a cookie that isn't there proves nothing");
  }
}
