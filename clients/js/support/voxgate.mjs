// A running `voxgate dev`, and the calls that tests make around the libraries under test. Only plain HTTP is used here, so
// that a library's mistake can't hide in its own test.

import { execFile, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as after } from "node:timers/promises";
import { promisify } from "node:util";

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
const PROGRAM = process.env.VOXGATE_PROGRAM ?? path.join(REPOSITORY, "target/debug/voxgate");

const START_SECONDS_MAX = 60;
const STOP_SECONDS_MAX = 15;

/** One `voxgate dev` of its own: free ports, and a data folder that nobody else uses. */
export class Voxgate {
  /** Starts one and waits until it says that it is ready. */
  static async start(...args) {
    const folder = await mkdtemp(path.join(tmpdir(), "voxgate-"));
    const server = new Voxgate(folder, args);
    try {
      server.endpoints = JSON.parse(await server.#firstLine());
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  #folder;
  #log;
  #process;
  #ended;

  constructor(folder, args) {
    this.#folder = folder;
    this.#log = path.join(folder, "stderr.log");
    const command = ["dev", "--json", "--port", "0", "--data-dir", path.join(folder, "data"), ...args];
    this.#process = spawn(PROGRAM, command, { stdio: ["ignore", "pipe", "pipe"] });
    this.#process.stderr.pipe(createWriteStream(this.#log));
    this.#ended = new Promise((resolve) => this.#process.once("close", resolve).once("error", resolve));
  }

  async #firstLine() {
    const line = new Promise((resolve, reject) => {
      let said = "";
      this.#process.stdout.setEncoding("utf8").on("data", (piece) => {
        said += piece;
        if (said.includes("\n")) resolve(said.slice(0, said.indexOf("\n")));
      });
      this.#process.once("error", reject);
      this.#process.once("exit", (code) => reject(new Error(`voxgate dev ended (${code}) before it was ready`)));
    });
    const late = after(START_SECONDS_MAX * 1000, undefined, { ref: false }).then(() => {
      throw new Error(`voxgate dev was not ready in ${START_SECONDS_MAX} s`);
    });
    try {
      return await Promise.race([line, late]);
    } catch (error) {
      const log = await readFile(this.#log, "utf8").catch(() => "");
      throw new Error(`${error.message}\n${log}`);
    }
  }

  /** Ends the process that this object started. */
  async stop() {
    this.#process.kill("SIGTERM");
    const late = after(STOP_SECONDS_MAX * 1000, "late", { ref: false });
    if ((await Promise.race([this.#ended, late])) === "late") this.#process.kill("SIGKILL");
    await this.#ended;
    await rm(this.#folder, { recursive: true, force: true });
  }

  get dataDir() {
    return path.join(this.#folder, "data");
  }

  /** Runs a command on this instance, as its operator does, and gives what it printed, read as JSON. */
  async command(...args) {
    const whole = [...args, "--json", "--data-dir", this.dataDir];
    const { stdout } = await promisify(execFile)(PROGRAM, whole, { maxBuffer: 64 * 1024 * 1024 });
    return stdout.trim() === "" ? undefined : JSON.parse(stdout);
  }

  get apiKey() {
    return this.endpoints.api_key;
  }

  /** What `@speechmatics/auth` calls `managementPlatformURL`. */
  get managementPlatformURL() {
    return `${this.endpoints.management_url}/v1`;
  }

  get realtimeUrl() {
    return this.endpoints.realtime_url;
  }

  /** What `@speechmatics/batch-client` calls `apiUrl`: it takes the origin alone. */
  get batchUrl() {
    return this.endpoints.batch_url;
  }

  async #manage(method, route, body) {
    const response = await fetch(`${this.endpoints.management_url}${route}`, {
      method,
      headers: { Authorization: `Bearer ${this.endpoints.management_token}`, "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** A new API key of the default project. */
  async createKey(name, { areas = ["eu"], products = ["batch", "rt"] } = {}) {
    const projects = await this.#manage("GET", "/v1/projects");
    const { project_id } = projects.find((project) => project.is_default);
    const made = await this.#manage("POST", "/v1/api-keys", { project_id, name, areas, products });
    return { id: made.apikey_id, secret: made.key_value };
  }

  /** Revokes an API key; when this is done, it is enforced. */
  async revokeKey({ id }) {
    await this.#manage("DELETE", `/v1/api-keys/${id}`);
  }

  /** Limits the audio of an API key of the default project in this month. */
  async setQuota({ id }, seconds) {
    const projects = await this.#manage("GET", "/v1/projects");
    const { project_id } = projects.find((project) => project.is_default);
    const quota = { project_id, scope: "api_key", name: id, audio_seconds_per_month_max: seconds };
    await this.#manage("PUT", "/v1/quotas", quota);
  }

  /** Ends the open sessions of an API key; their clients are told the reason. */
  async endSessions({ id }, reason) {
    const { sessions } = await this.#manage("GET", `/v1/sessions?apikey_id=${id}`);
    for (const { session_id } of sessions) await this.#manage("DELETE", `/v1/sessions/${session_id}`, { reason });
  }

  /** A temporary key. */
  async mint(secret, type, body = {}) {
    const response = await fetch(`${this.managementPlatformURL}/api_keys?type=${type}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
      body: JSON.stringify({ ttl: 3600, ...body }),
    });
    if (response.status !== 201) throw new Error(`mint: ${response.status} ${await response.text()}`);
    return (await response.json()).key_value;
  }

  /** The status of the Jobs API's answer to a list. */
  async jobsStatus(credential) {
    const response = await fetch(`${this.batchUrl}/jobs`, { headers: { Authorization: `Bearer ${credential}` } });
    await response.arrayBuffer();
    return response.status;
  }
}

/** The same credential with one wrong character; of a temporary key, in its signature. */
export function mistyped(credential) {
  const start = credential.lastIndexOf(".") + 1;
  const at = start + Math.floor((credential.length - start) / 2);
  return credential.slice(0, at) + (credential[at] === "A" ? "B" : "A") + credential.slice(at + 1);
}

/** Looks until the condition holds, and says what didn't come if it never does. */
export async function waitUntil(what, condition, secondsMax = 30) {
  const deadline = Date.now() + secondsMax * 1000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} didn't happen within ${secondsMax} s`);
    await after(100);
  }
}
