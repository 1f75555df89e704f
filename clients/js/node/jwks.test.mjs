// `jose` verifies a temporary key by `/.well-known/jwks.json` alone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { createRemoteJWKSet, errors, jwtVerify } from "jose";

import { Voxgate, mistyped } from "../support/voxgate.mjs";

let server;
before(async () => {
  server = await Voxgate.start();
});
after(() => server?.stop());

test("jose verifies by the published keys", async () => {
  const published = createRemoteJWKSet(new URL(`${server.endpoints.management_url}/.well-known/jwks.json`));
  const token = await server.mint(server.apiKey, "rt", { ttl: 60, client_ref: "alice" });
  const expected = { algorithms: ["EdDSA"], audience: "eu", typ: "temporary-key+jwt" };
  const { payload } = await jwtVerify(token, published, expected);
  assert.equal(payload.exp - payload.iat, 60);
  assert.equal(payload.product, "rt");
  assert.equal(payload.client_ref, "alice");

  await assert.rejects(jwtVerify(mistyped(token), published, expected), errors.JWSSignatureVerificationFailed);
  await assert.rejects(jwtVerify(token, published, { ...expected, audience: "usa" }), errors.JWTClaimValidationFailed);
});
