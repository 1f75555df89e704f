// One running Voxgate, one Chromium, and the people who use them.

import { Voxgate } from "../../clients/js/support/voxgate.mjs";
import { launch, profile } from "./browser.mjs";
import { Caller } from "./raw.mjs";

export class World {
  /** Starts both; `args` are passed on to `voxgate dev`. */
  static async open(...args) {
    const [server, browser] = await Promise.all([Voxgate.start(...args), launch()]);
    return new World(server, browser);
  }

  /** Ids for the parts of addresses, and of everybody's things: `support/cast.mjs` fills it. */
  ids = {};
  #people = new Map();
  #count = 0;

  constructor(server, browser) {
    this.server = server;
    this.browser = browser;
  }

  get origin() {
    return this.server.endpoints.portal_url;
  }

  async close() {
    await this.browser.close();
    await this.server.stop();
  }

  /** An address that nobody has yet. */
  freshEmail(name = "person") {
    this.#count += 1;
    return `${name}-${this.#count}@example.org`;
  }

  /** Somebody whom nobody knows, without a browser, in a network of their own: no limit on attempts is met by chance. */
  anonymous(from = this.#network()) {
    return new Caller(this.origin, from);
  }

  #network() {
    this.#count += 1;
    return `127.${1 + (this.#count >> 8)}.${this.#count & 255}.1`;
  }

  /** A new account, made by the instance's operator; a member of a workspace if one is given. */
  async account({ name, workspace, role = "admin" } = {}) {
    const email = this.freshEmail(name);
    const membership = workspace ? ["--workspace", workspace, "--role", role] : [];
    const made = await this.server.command("users", "create", "--email", email, ...membership);
    const password = "twelve lamps under the harbour";
    await this.#choose(made.password_link.path, password);
    return { id: made.account_id, email, password };
  }

  /** Chooses a password by the link that an operator handed over. */
  async #choose(link, password) {
    const token = new URL(link, this.origin).searchParams.get("token");
    const answer = await this.anonymous().submit(link, "/reset-password", { token, password });
    if (answer.status !== 303) throw new Error(`no password is chosen by ${link}: ${answer.status} ${answer.text}`);
  }

  /** Signs an account in, without a browser. */
  async signIn({ email, password }) {
    const caller = this.anonymous();
    const answer = await caller.submit("/sign-in", "/sign-in", { email, password });
    if (answer.status !== 303) throw new Error(`${email} can't sign in: ${answer.status} ${answer.text}`);
    return Object.assign(caller, { email, password });
  }

  /** A new account, signed in. */
  async person(options) {
    const account = await this.account(options);
    return Object.assign(await this.signIn(account), { accountId: account.id });
  }

  /** A new workspace, with a management token that may do everything in it. */
  async workspace(name, plan = "pro") {
    const { workspace_id: id } = await this.server.command("workspaces", "create", "--name", name, "--plan", plan);
    const { token_value: secret } = await this.server.command("tokens", "create", "--permissions", "all", "--workspace", id);
    return new Workspace(this.server, id, secret);
  }

  /** Gives somebody a name that `pages.json` and tables of callers know them by. */
  introduce(name, caller) {
    this.#people.set(name, caller);
    return caller;
  }

  /** Somebody by that name. */
  caller(name) {
    if (name === "anonymous") return this.anonymous();
    const known = this.#people.get(name);
    if (!known) throw new Error(`nobody is called ${name}`);
    return known;
  }

  /** A browser profile of its own; signed in if a caller is given who is. */
  profile(options) {
    return profile(this.browser, this.origin, options);
  }

  /** All that was done on the instance since the event of this number. */
  done(since = 0) {
    return this.server.command("audit", "list", "--after", String(since), "--limit", "1000");
  }

  /** The number of the last event of the audit log. */
  async now() {
    const events = await this.done();
    return events.at(-1).sequence;
  }
}

/** A workspace, as its management token sees it. */
class Workspace {
  #server;
  #token;

  constructor(server, id, token) {
    this.#server = server;
    this.#token = token;
    this.id = id;
  }

  /** Calls the management API. */
  async manage(method, route, body) {
    const response = await fetch(`${this.#server.endpoints.management_url}${route}`, {
      method,
      headers: { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  }

  async defaultProject() {
    return (await this.manage("GET", "/v1/projects")).find((project) => project.is_default).project_id;
  }

  /** A new API key of the default project. */
  async key(name = "a key") {
    const made = await this.manage("POST", "/v1/api-keys", { project_id: await this.defaultProject(), name, areas: ["eu"], products: ["batch", "rt"] });
    return { id: made.apikey_id, secret: made.key_value };
  }
}
