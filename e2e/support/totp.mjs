// A person's authenticator app (RFC 6238: SHA-1, 30 seconds, 6 digits).

import { createHmac } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function decoded(base32) {
  let bits = "";
  for (const letter of base32.toUpperCase().replace(/[^A-Z2-7]/g, "")) bits += ALPHABET.indexOf(letter).toString(2).padStart(5, "0");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
}

/** The code of the step that `at` (milliseconds) lies in, `stepsLater` steps on. */
export function totp(secret, { at = Date.now(), stepsLater = 0 } = {}) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000) + stepsLater));
  const mac = createHmac("sha1", decoded(secret)).update(counter).digest();
  const code = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(code % 1_000_000).padStart(6, "0");
}
