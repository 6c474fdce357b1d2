// A worker: runs sessions beside the others, and drains when it is told to stop.

import { sessions } from "loophost/sessions";

import { openStore, served } from "./shared.ts";

const store = openStore();
const app = sessions({
  store,
  agents: [served],
  onEvent(event, { sessionId }) {
    if (event.type === "tool.started") console.log(`${sessionId} ${event.id}`);
  },
});
const worker = await app.work();
console.log("ready");

process.once("SIGTERM", () => {
  worker
    .drain({ graceMs: 10_000 })
    .then(() => app.close())
    .then(() => store.close())
    .catch((thrown: unknown) => {
      console.error(thrown);
      process.exitCode = 1;
    });
});
