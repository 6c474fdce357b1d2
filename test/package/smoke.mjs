// What every supported runtime must be able to do with the built package. Plain JavaScript and web standards
// only: scripts/smoke-runtimes.mjs runs this same file on Node, Bun and Deno. A throw is a failure.

import * as loophost from "../../dist/index.js";

await smoke();

async function smoke() {
  if (Object.keys(loophost).length === 0) throw new Error("the front door exports nothing");
}
