// Speechmatics' libraries in Node, unmodified, against `voxgate dev`.

import * as calls from "../support/calls.mjs";
import { libraryTests } from "../support/suite.mjs";

libraryTests("Node", calls);
