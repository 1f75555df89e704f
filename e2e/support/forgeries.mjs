// One form, sent as somebody who is signed in, in every way that a page of somebody else's could have it sent.

/** A form's fields with more of them. */
export function also(fields, more) {
  const all = new URLSearchParams(fields);
  for (const [name, value] of Object.entries(more)) all.append(name, value);
  return all;
}

/** The ways: what is wrong, and what sends it. */
export async function forgeries(world, caller, path, fields, token) {
  const send = (given, headers) => () => caller.copy().post(path, given, headers);
  const withToken = (text) => send(also(fields, { form_token: text }));
  const right = also(fields, { form_token: token });
  const { port } = new URL(world.origin);
  return [
    ["no token", send(fields)],
    ["an empty token", withToken("")],
    ["a visitor's token", withToken(await tokenOf(world.anonymous()))],
    ["somebody else's token", withToken(await tokenOf(world.caller("stranger").copy()))],
    ["a token of another session", withToken(await tokenOf(world.caller("owner-elsewhere").copy()))],
    ["a token with a letter changed", withToken((token[0] === "0" ? "1" : "0") + token.slice(1))],
    ["the token twice", send(also(right, { form_token: token }))],
    ["the token in the address", () => caller.copy().post(`${path}?form_token=${token}`, fields)],
    ["from another site", send(right, { "Sec-Fetch-Site": "cross-site" })],
    ["from another port", send(right, { "Sec-Fetch-Site": "same-site", Origin: `http://localhost:${Number(port) + 1}` })],
    ["from nowhere", send(right, { "Sec-Fetch-Site": "none" })],
    ["with an origin alone that is another", send(right, { Origin: "http://127.0.0.1:1" })],
    ["from a sandboxed frame", send(right, { Origin: "null", "Sec-Fetch-Site": "cross-site" })],
    ["as text", send(right, { "Content-Type": "text/plain" })],
    ["as JSON", send(right, { "Content-Type": "application/json" })],
    ["as a form with files", send(right, { "Content-Type": "multipart/form-data; boundary=x" })],
    ["with a field too many", send(also(right, { is_admin_of_all: "true" }))],
  ];
}

/** The token of the forms that somebody is shown; whoever isn't signed in is shown one for visitors. */
export async function tokenOf(caller) {
  for (const page of ["/", "/settings/profile", "/sign-in"]) {
    const found = (await caller.get(page)).text.match(/name="form_token" value="([^"]+)"/);
    if (found) return found[1];
  }
  throw new Error("there is no form to take a token from");
}
