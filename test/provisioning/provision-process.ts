// A process that provisions one agent when it is told to, and says what it got.

import { defineAgent } from "loophost";
import { claude } from "loophost/providers/claude";
import { provision } from "loophost/provisioning";

const [, , baseUrl] = process.argv;
const agent = defineAgent({ name: "clerk", instructions: "Help.", model: "any" });
process.once("message", () => {
  provision(claude({ baseUrl }), agent).then(
    (handle) => process.send?.(handle, () => process.exit()),
    (thrown: unknown) => process.send?.({ thrown: String(thrown) }, () => process.exit(1)),
  );
});
process.send?.("ready");
