// Another site's server, which shows whatever page it is told to.

import { createServer } from "node:http";

export class Elsewhere {
  page = "";
  #server;

  static async open() {
    const elsewhere = new Elsewhere();
    elsewhere.#server = createServer((request, response) => {
      response.setHeader("Content-Type", "text/html; charset=utf-8");
      response.end(elsewhere.page);
    });
    await new Promise((resolve) => elsewhere.#server.listen(0, "127.0.0.1", resolve));
    return elsewhere;
  }

  /** As another site (`127.0.0.1`), or as another port of the portal's own site (`localhost`). */
  at(host) {
    return `http://${host}:${this.#server.address().port}/`;
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }
}
