// Every kind of credential that a client can come with.

import { mistyped, waitUntil } from "./voxgate.mjs";

/** API keys: bad ones, and good ones with narrow rights. */
export async function badAndNarrowKeys(server) {
  const revoked = await server.createKey("revoked");
  await server.revokeKey(revoked);
  return {
    mistyped: mistyped(server.apiKey),
    revoked: revoked.secret,
    batchOnly: (await server.createKey("batch only", { products: ["batch"] })).secret,
    rtOnly: (await server.createKey("rt only", { products: ["rt"] })).secret,
    usa: (await server.createKey("usa", { areas: ["usa"] })).secret,
  };
}

/** Temporary keys whose API key was revoked after they were made. */
export async function orphans(server) {
  const parent = await server.createKey("parent");
  const made = { batch: await server.mint(parent.secret, "batch"), rt: await server.mint(parent.secret, "rt") };
  await server.revokeKey(parent);
  return made;
}

/** Temporary keys whose time is over. The server has to mint keys of one second. */
export async function expired(server) {
  const rt = await server.mint(server.apiKey, "rt", { ttl: 1 });
  const batch = await server.mint(server.apiKey, "batch", { ttl: 1 });
  // The key's second and the leeway of five have to pass. The `rt` key was made first, so it is over too.
  await waitUntil("the expiry of a key of one second", async () => (await server.jobsStatus(batch)) === 401);
  return { server, batch, rt };
}
