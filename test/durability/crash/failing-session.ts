// A session that cannot be set up. A module for crashTest, never imported.

import { LoophostError } from "loophost";
import { crashSession } from "loophost/testing/node";

await crashSession(() => {
  throw new LoophostError("invalid_options", "there is no such place.");
});
