// Every page in dark colours.

import { looks } from "./support/looks.mjs";

looks("dark");
