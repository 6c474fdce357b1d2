// A session that is never set up. A module for crashTest, never imported.

import { crashSession } from "loophost/testing/node";

// Something must keep the process alive: a promise alone does not.
await crashSession(() => new Promise(() => void setInterval(() => undefined, 1_000)));
