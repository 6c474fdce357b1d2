// A worker on a machine whose clock is off: `shifted-worker.ts URL SCHEMA MS`. It tells which sessions' tools it began, and ends them when told.

const [, , url = "", schema = "", ms = "0"] = process.argv;
const RealDate = Date;
const offByMs = Number(ms);
globalThis.Date = new Proxy(RealDate, {
  construct: (_, args: [] | [number]) =>
    args.length === 0 ? new RealDate(RealDate.now() + offByMs) : new RealDate(...args),
  get: (target, key) => (key === "now" ? () => RealDate.now() + offByMs : Reflect.get(target, key)),
});

// Only now: nobody has asked for the time before.
const { defineAgent, defineTool } = await import("loophost");
const { postgresBus, postgresEngine } = await import("loophost/engines/postgres");
const { local } = await import("loophost/providers/local");
const { sessions } = await import("loophost/sessions");
const { postgresStore } = await import("loophost/stores/postgres");
const { scriptedModel } = await import("../scripted-model.ts");

const slow = defineTool({
  name: "slow",
  description: "Ends when it is told to.",
  input: { type: "object" },
  ifCrashed: "rerun",
  execute: (_, { sessionId }) =>
    new Promise<string>((resolve) => {
      process.on("message", () => resolve("at last"));
      process.send?.({ began: sessionId });
    }),
});
const app = sessions({
  store: postgresStore(url, { schema }),
  engine: postgresEngine(url, { schema }),
  bus: postgresBus(url, { schema }),
  agents: [
    {
      agent: defineAgent({ name: "a", instructions: "Answer.", tools: [slow] }),
      provider: local({ model: scriptedModel }),
    },
  ],
  onError: (error) => process.send?.({ failed: error.message }),
});
await app.work();
process.once("disconnect", () => process.exit(1));
process.send?.("ready");
