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

  /** Somebody whom nobody knows, without a browser. */
  anonymous() {
    return new Caller(this.origin);
  }

  /** The one who looks at a page as support/pages.mjs says. */
  async caller(as) {
    if (as === "anonymous") return this.anonymous();
    throw new Error(`nobody is called ${as}`);
  }

  /** A browser profile of its own; signed in if a caller is given who is. */
  profile(options) {
    return profile(this.browser, this.origin, options);
  }
}
