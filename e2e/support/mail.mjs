// The mails that `voxgate dev` shows on a page of the portal.

import { waitUntil } from "../../clients/js/support/voxgate.mjs";

export async function mailLink() {
  throw new Error("no mail page yet");
}
