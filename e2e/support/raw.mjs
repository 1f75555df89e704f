// HTTP without a browser: every header is the test's own, redirects are shown and not followed, cookies are kept as a browser would.

import { request } from "node:http";

/** Sends one request, `from` a loopback address of choice, and gives status, headers, cookies set and the body's text. */
export function send(origin, method, path, { headers = {}, body, from } = {}) {
  const { host, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    // By address, so that `from` can be another one of this machine's.
    const where = { host: "127.0.0.1", port, method, path, headers: { Host: host, ...headers }, localAddress: from, agent: false };
    const sent = request(where, (response) => {
      const pieces = [];
      response.on("data", (piece) => pieces.push(piece)).once("error", reject);
      response.once("end", () => {
        const raw = Buffer.concat(pieces);
        resolve({
          status: response.statusCode,
          headers: response.headers,
          setCookies: response.headers["set-cookie"] ?? [],
          location: response.headers.location,
          text: raw.toString("utf8"),
        });
      });
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

/** What a browser sends with a form of the site's own. */
export const SAME_ORIGIN = { "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document" };

/** Somebody with cookies of their own. */
export class Caller {
  constructor(origin, from) {
    this.origin = origin;
    this.from = from;
    this.cookies = new Map();
  }

  /** The same cookies, in a jar of their own. */
  copy() {
    const copied = new Caller(this.origin, this.from);
    copied.cookies = new Map(this.cookies);
    return copied;
  }

  get cookieHeader() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  async send(method, path, { headers = {}, body } = {}) {
    const cookie = this.cookies.size > 0 ? { Cookie: this.cookieHeader } : {};
    const answer = await send(this.origin, method, path, { headers: { ...cookie, ...headers }, body, from: this.from });
    for (const line of answer.setCookies) this.#keep(line);
    return answer;
  }

  #keep(line) {
    const [pair] = line.split(";");
    const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    if (value === "" || /max-age=0/i.test(line)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }

  get(path, headers = {}) {
    return this.send("GET", path, { headers: { "Sec-Fetch-Site": "none", ...headers } });
  }

  /** Posts these fields as they are, with the headers of a form of the site's own. */
  post(path, fields, headers = {}) {
    const body = fields instanceof URLSearchParams ? fields.toString() : new URLSearchParams(fields).toString();
    const own = { ...SAME_ORIGIN, Origin: this.origin, "Content-Type": "application/x-www-form-urlencoded" };
    return this.send("POST", path, { headers: { ...own, ...headers, "Content-Length": Buffer.byteLength(body) }, body });
  }

  /** Opens a page, and sends the form on it that posts to `action`, with its hidden fields and these. */
  async submit(page, action, fields = {}) {
    const opened = await this.get(page);
    const form = forms(opened.text).find((each) => each.method === "post" && each.action(page).split("?")[0] === action);
    if (!form) throw new Error(`${page} (${opened.status}) has no form for ${action}:\n${opened.text.slice(0, 3000)}`);
    return this.post(form.action(page), form.filled(fields));
  }
}

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The text that an attribute or text node stands for. */
export function unescape(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(Number(decimal));
    return ENTITIES[name] ?? whole;
  });
}

function attributes(tag) {
  const found = {};
  const pattern = /([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?/g;
  for (const [, name, double, single, bare] of tag.matchAll(pattern)) {
    found[name.toLowerCase()] = unescape(double ?? single ?? bare ?? "");
  }
  return found;
}

/** The forms of a page that we rendered, as a browser would send them untouched. */
export function forms(html) {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, head, inner]) => {
    const form = attributes(head);
    return {
      method: (form.method ?? "get").toLowerCase(),
      action: (page) => (form.action === undefined || form.action === "" ? page : form.action),
      fields: fieldsOf(inner),
      filled(given) {
        const fields = new URLSearchParams();
        for (const { name, value, isSent } of this.fields) {
          if (!(name in given) && isSent) fields.append(name, value);
        }
        for (const [name, value] of Object.entries(given)) {
          for (const each of Array.isArray(value) ? value : [value]) fields.append(name, each);
        }
        return fields;
      },
    };
  });
}

function fieldsOf(inner) {
  const fields = [];
  for (const [, tag, head, content] of inner.matchAll(/<(input|textarea|select)\b([^>]*)>(?:([\s\S]*?)<\/\1>)?/gi)) {
    const field = attributes(head);
    if (field.name === undefined || "disabled" in field) continue;
    const kind = tag.toLowerCase() === "input" ? (field.type ?? "text") : tag.toLowerCase();
    if (kind === "select") fields.push({ name: field.name, kind, value: chosen(content ?? ""), isSent: true });
    else if (kind === "textarea") fields.push({ name: field.name, kind, value: unescape(content ?? ""), isSent: true });
    else {
      const isSent = !["checkbox", "radio", "submit", "button"].includes(kind) || "checked" in field;
      fields.push({ name: field.name, kind, value: field.value ?? (kind === "checkbox" ? "on" : ""), isSent });
    }
  }
  return fields;
}

function chosen(options) {
  const all = [...options.matchAll(/<option\b([^>]*)>([^<]*)/gi)].map(([, head, text]) => [attributes(head), text]);
  const [head, text] = all.find(([attribute]) => "selected" in attribute) ?? all[0] ?? [{}, ""];
  return head.value ?? unescape(text.trim());
}
