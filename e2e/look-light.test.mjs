// Every page in light colours.

import { looks } from "./support/looks.mjs";

looks("light");
