// A process whose working directory is deleted, and that then writes below relative paths.

import { rmSync } from "node:fs";

import { defineAgent, run } from "loophost";
import { artifacts } from "loophost/artifacts";
import { recordTo } from "loophost/observe";
import { local } from "loophost/providers/local";

rmSync(process.cwd(), { recursive: true });

await run(defineAgent({ name: "a", instructions: "Help." }), {
  provider: local({ model: () => "Done." }),
  prompt: "Hello",
  observers: [recordTo("records")],
});
const files = artifacts(local({ model: () => "", artifactsFolder: "files" }), "session_1");
await files.put("a.txt", "x");
process.send?.("done");
