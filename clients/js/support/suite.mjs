// The tests of the three libraries, for any place where they run. `calls` makes the library's calls there (calls.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { badAndNarrowKeys, expired, orphans } from "./credentials.mjs";
import { asWav, toneBursts } from "./sound.mjs";
import { Voxgate, mistyped } from "./voxgate.mjs";

const SAMPLES = toneBursts();
const FILE = { wav: asWav(SAMPLES).toString("base64"), fileName: "bursts.wav" };
const ENGLISH = { transcription_config: { language: "en" } };

/** What the sentence of each refusal says. */
const SAYS = {
  none: /Send an API key or a temporary key in the header Authorization: Bearer/,
  unknown: /the credential is unknown here/,
  empty: /jwt parameter is empty/,
  mistyped: /the credential is mistyped or cut short/,
  mistypedTemporary: /the temporary key is not valid/,
  apiKeyInUrl: /a long-lived key was sent in \?jwt=.*Authorization header/,
  revoked: /was revoked/,
  expired: /the temporary key expired at .*: mint a new one/,
  wrongProduct: /key is for (batch|rt); this endpoint needs (batch|rt)/,
  wrongArea: /key works in area eu; this endpoint is us1 in area usa/,
};

/** A session that went well: the announcement first, words, an end. */
function assertHeard({ messages, error }) {
  const kinds = messages.map(({ message }) => message);
  assert.equal(error, undefined, JSON.stringify({ error, kinds }));
  assert.equal(messages[0].type, "concurrent_session_usage");
  assert.ok(kinds.indexOf("RecognitionStarted") < kinds.indexOf("AddTranscript"), kinds.join());
  assert.equal(kinds.at(-1), "EndOfTranscript");
  const words = messages.filter(({ message }) => message === "AddTranscript").map(({ metadata }) => metadata.transcript);
  assert.match(words.join(""), /\w/);
}

/** Defines all tests. */
export function libraryTests(where, calls) {
  describe(`Speechmatics' libraries in ${where}`, () => {
    let server;
    let keys;
    let orphaned;
    let over;

    before(async () => {
      server = await Voxgate.start();
      keys = await badAndNarrowKeys(server);
      orphaned = await orphans(server);
      over = await expired(await Voxgate.start("--ttl-min-seconds", "1", "--idle-seconds-max", "8"));
    });
    after(async () => {
      await server?.stop();
      await over?.server.stop();
    });

    describe("@speechmatics/auth", () => {
      const mint = (options) =>
        calls.mint({ managementPlatformURL: server.managementPlatformURL, apiKey: server.apiKey, ...options });

      for (const [type, clientRef] of [["rt", undefined], ["rt", "alice"], ["batch", "alice"]]) {
        test(`mints a ${type} key ${clientRef ? "for a client_ref" : "for a project"}`, async () => {
          const { value, error } = await mint({ type, clientRef, ttl: 90 });
          assert.equal(error, undefined);
          const claims = JSON.parse(Buffer.from(value.split(".")[1], "base64url"));
          assert.equal(claims.exp - claims.iat, 90);
          assert.equal(claims.product, type);
          assert.equal(claims.client_ref, clientRef);
        });
      }

      for (const type of ["rt", "batch", "flow"]) {
        test(`names the least ttl of a ${type} key`, async () => {
          const { error } = await mint({ type, clientRef: "alice", ttl: 59 });
          assert.equal(error.name, "SpeechmaticsJWTError");
          assert.equal(error.type, "ValidationFailed");
          assert.equal(error.message, "ttl in body should be greater than or equal to 60");
          assert.equal(error.cause.reason, "invalid_value");
        });
      }

      test("refuses a batch key without client_ref by itself", async () => {
        const { error } = await mint({ type: "batch" });
        assert.equal(error.type, "ValidationFailed");
        assert.match(error.message, /client_ref/);
      });

      for (const [what, options] of Object.entries({
        "no key": () => ({ apiKey: undefined }),
        "a mistyped key": () => ({ apiKey: keys.mistyped }),
        "a revoked key": () => ({ apiKey: keys.revoked }),
        "an expired temporary key": () => ({
          apiKey: over.rt,
          managementPlatformURL: over.server.managementPlatformURL,
        }),
      })) {
        // The library has a name for 403 only; for a 401 it shows the status.
        test(`shows the 401 that ${what} gets`, async () => {
          const { error } = await mint({ type: "rt", ...options() });
          assert.equal(error.name, "SpeechmaticsJWTError");
          assert.equal(error.type, "UnknownError");
          assert.equal(error.message, "Got response with status 401");
        });
      }

      for (const [what, options] of Object.entries({
        "for another product": () => ({ apiKey: keys.batchOnly }),
        "with a key of another area": () => ({ apiKey: keys.usa }),
        "for another area": () => ({ region: "usa" }),
        "with a temporary key": async () => ({ apiKey: await server.mint(server.apiKey, "rt") }),
      })) {
        test(`is unauthorised to mint ${what}`, async () => {
          const { error } = await mint({ type: "rt", ...(await options()) });
          assert.equal(error.name, "SpeechmaticsJWTError");
          assert.equal(error.type, "Unauthorized");
        });
      }
    });

    describe("@speechmatics/batch-client", () => {
      const batch = (apiKey, method, ...args) => calls.batch({ apiKey, apiUrl: server.batchUrl }, method, ...args);
      const minted = async (clientRef) => {
        const managementPlatformURL = server.managementPlatformURL;
        const { value } = await calls.mint({ type: "batch", clientRef, apiKey: server.apiKey, managementPlatformURL });
        return value;
      };
      const submit = async (apiKey) => {
        const { value, error } = await batch(apiKey, "createTranscriptionJob", FILE, ENGLISH);
        assert.equal(error, undefined);
        return value.id;
      };

      for (const kind of ["an API key", "a minted key"]) {
        test(`carries a job through its life with ${kind}`, async () => {
          const apiKey = kind === "an API key" ? server.apiKey : await minted("alice");
          const { value: transcript, error } = await batch(apiKey, "transcribe", FILE, ENGLISH, "json-v2", 60_000);
          assert.equal(error, undefined);
          const { id } = transcript.job;
          assert.ok(transcript.results.length > 0);
          assert.match((await batch(apiKey, "getJobResult", id, "text")).value, /\w/);
          assert.match((await batch(apiKey, "getJobResult", id, "srt")).value, /-->/);
          assert.equal((await batch(apiKey, "getJob", id)).value.job.status, "done");
          const listed = (await batch(apiKey, "listJobs", { limit: 100 })).value.jobs;
          assert.ok(listed.some((job) => job.id === id));

          assert.equal((await batch(apiKey, "deleteJob", id)).error, undefined);
          const left = (await batch(apiKey, "listJobs")).value.jobs;
          assert.ok(!left.some((job) => job.id === id));
          assert.equal((await batch(apiKey, "getJob", id)).error.kind, "Job not found");
        });
      }

      test("discovers features", async () => {
        const { value, error } = await batch(server.apiKey, "getFeatureDiscovery");
        assert.equal(error, undefined);
        assert.equal(typeof value, "object");
      });

      for (const [what, kind, says, credential] of [
        ["no key", "Permission Denied", SAYS.none, () => ({ apiKey: undefined })],
        ["a mistyped key", "Permission Denied", SAYS.mistyped, () => ({ apiKey: keys.mistyped })],
        ["a revoked key", "Permission Denied", SAYS.revoked, () => ({ apiKey: keys.revoked })],
        ["a key of a revoked key", "Permission Denied", SAYS.revoked, () => ({ apiKey: orphaned.batch })],
        [
          "an expired key",
          "Permission Denied",
          SAYS.expired,
          () => ({ apiKey: over.batch, apiUrl: over.server.batchUrl }),
        ],
        ["an API key for another product", "Forbidden", SAYS.wrongProduct, () => ({ apiKey: keys.rtOnly })],
        [
          "a temporary key for another product",
          "Forbidden",
          SAYS.wrongProduct,
          async () => ({ apiKey: await server.mint(server.apiKey, "rt") }),
        ],
        [
          "a key of another area",
          "Forbidden",
          SAYS.wrongArea,
          () => ({ apiKey: server.apiKey, apiUrl: server.endpoints.regions.us1.batch_url }),
        ],
      ]) {
        test(`shows why ${what} is refused`, async () => {
          const settings = { apiUrl: server.batchUrl, ...(await credential()) };
          for (const call of [
            ["listJobs"],
            ["createTranscriptionJob", FILE, ENGLISH],
            ["getJob", "anything"],
            ["getJobResult", "anything"],
            ["deleteJob", "anything"],
          ]) {
            const { error } = await calls.batch(settings, ...call);
            assert.equal(error?.name, "SpeechmaticsResponseError", `${call[0]}: ${JSON.stringify(error)}`);
            assert.equal(error.kind, kind);
            assert.match(error.response.detail, says);
          }
        });
      }

      test("finds no job of a foreign client_ref", async () => {
        const [heidi, ivan] = [await minted("heidi"), await minted("ivan")];
        const id = await submit(heidi);
        for (const foreign of [id, "never-there"]) {
          for (const method of ["getJob", "getJobResult", "deleteJob"]) {
            const { error } = await batch(ivan, method, foreign);
            assert.equal(error.name, "SpeechmaticsResponseError");
            assert.equal(error.kind, "Job not found");
            assert.equal(error.response.code, 404);
          }
        }
        assert.deepEqual((await batch(ivan, "listJobs")).value.jobs, []);
        assert.deepEqual((await batch(heidi, "listJobs")).value.jobs.map((job) => job.id), [id]);
        assert.equal((await batch(heidi, "deleteJob", id, true)).error, undefined);
      });
    });

    describe("@speechmatics/real-time-client", () => {
      const session = (jwt, url = server.realtimeUrl) => calls.transcribe({ jwt, url }, SAMPLES.toString("base64"));

      for (const clientRef of [undefined, "alice"]) {
        test(`carries a session with a minted key ${clientRef ? "of a client_ref" : "of the project"}`, async () => {
          const { apiKey, managementPlatformURL } = server;
          const { value } = await calls.mint({ type: "rt", apiKey, managementPlatformURL, clientRef });
          assertHeard(await session(value));
        });
      }

      test("carries a session in another area with that area's key", async () => {
        const { managementPlatformURL } = server;
        const { value } = await calls.mint({ type: "rt", apiKey: keys.usa, region: "usa", managementPlatformURL });
        assertHeard(await session(value, server.endpoints.regions.us1.realtime_url));
      });

      test("hears why its session ends when the API key behind it is revoked", async () => {
        const parent = await server.createKey("to be revoked");
        const jwt = await server.mint(parent.secret, "rt");
        assert.equal((await calls.hold({ jwt, url: server.realtimeUrl })).value, "RecognitionStarted");
        await server.revokeKey(parent);
        const { last, closeCode, sendingAfterwards } = await calls.heldEnd();
        assert.equal(last.message, "Error");
        assert.equal(last.type, "not_authorised");
        assert.match(last.reason, SAYS.revoked);
        assert.equal(closeCode, 4001);
        assert.equal(sendingAfterwards.name, "SpeechmaticsRealtimeError");
      });

      // What ends an open session: the type of the `Error`, the code of the close, what the sentence says, and how it comes to it.
      for (const [what, kind, code, says, leash, act] of [
        ["its API key is revoked", "not_authorised", 4001, /was revoked/, {}, ({ key, on }) => on.revokeKey(key)],
        [
          "its owner ends it",
          "not_allowed",
          4003,
          /^maintenance at noon$/,
          {},
          ({ key, on }) => on.endSessions(key, "maintenance at noon"),
        ],
        ["its key expires", "not_authorised", 4001, /\(credential_expired\)/, { ttl: 4, end_at_expiry: true }],
        ["it has lasted as long as it may", "session_timeout", 1008, /\(session_over\)/, { max_session_seconds: 1 }],
        [
          "its key has no more audio",
          "timelimit_exceeded",
          4006,
          /temporary key.*\(audio_spent\)/,
          { max_audio_seconds: 1 },
          () => calls.heldSend(SAMPLES.toString("base64")),
        ],
        [
          "a quota is used up",
          "timelimit_exceeded",
          4006,
          /quota.*API key.*\(audio_spent\)/,
          {},
          () => calls.heldSend(SAMPLES.toString("base64")),
        ],
        ["it is silent for too long", "idle_timeout", 1008, /neither audio nor a ping or pong/, {}],
      ]) {
        test(`hears why its session ends when ${what}`, async () => {
          const on = leash.ttl || kind === "idle_timeout" ? over.server : server;
          const key = await on.createKey(what);
          if (/quota/.test(what)) await on.setQuota(key, 1);
          const jwt = await on.mint(key.secret, "rt", leash);
          assert.equal((await calls.hold({ jwt, url: on.realtimeUrl })).value, "RecognitionStarted");
          await act?.({ key, on });
          const { last, closeCode, sendingAfterwards } = await calls.heldEnd();
          assert.equal(last.message, "Error");
          assert.equal(last.type, kind);
          assert.match(last.reason, says);
          assert.equal(closeCode, code);
          assert.equal(sendingAfterwards.name, "SpeechmaticsRealtimeError");
        });
      }

      for (const [what, says, credential, kind = "not_authorised", code = 4001] of [
        ["an undefined key", SAYS.unknown, () => [undefined]],
        ["an empty key", SAYS.empty, () => [""]],
        ["a mistyped key", SAYS.mistypedTemporary, async () => [mistyped(await server.mint(server.apiKey, "rt"))]],
        ["an API key", SAYS.apiKeyInUrl, () => [server.apiKey]],
        ["a key of a revoked key", SAYS.revoked, () => [orphaned.rt]],
        ["an expired key", SAYS.expired, () => [over.rt, over.server.realtimeUrl]],
        ["a key for another product", SAYS.wrongProduct, async () => [await server.mint(server.apiKey, "batch")]],
        [
          "a key of another area",
          SAYS.wrongArea,
          async () => [await server.mint(server.apiKey, "rt"), server.endpoints.regions.us1.realtime_url],
          "not_allowed",
          4003,
        ],
      ]) {
        test(`shows why ${what} is refused`, async () => {
          const { messages, error, closeCode } = await session(...(await credential()));
          assert.equal(error?.message, kind);
          assert.equal(messages.length, 1, JSON.stringify(messages));
          assert.equal(messages[0].message, "Error");
          assert.equal(messages[0].type, kind);
          assert.match(messages[0].reason, says);
          assert.equal(closeCode, code);
        });
      }
    });
  });
}
