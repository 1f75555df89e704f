// What the page in the browser offers to the tests outside.

import * as calls from "../support/calls.mjs";

globalThis.calls = calls;
