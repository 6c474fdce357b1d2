// A process that works on a session at a server, and kills itself with SIGKILL where it is told to.

import { appendFileSync, readFileSync } from "node:fs";

import { defineAgent, defineTool, openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import { sqliteStore } from "loophost/stores/sqlite";

const [url = "", folder = "", dies = ""] = process.argv.slice(2);
const ledger = `${folder}/ledger`;
const die = () => process.kill(process.pid, "SIGKILL");

appendFileSync(ledger, "");
const double = defineTool({
  name: "double",
  description: "Doubles.",
  input: { type: "object" },
  execute({ n }, { idempotencyKey }) {
    if (dies === "before a tool's effect" && n === 2) die();
    appendFileSync(ledger, `${idempotencyKey}\n`);
    if (dies === "after a tool's effect" && n === 2) die();
    return String(Number(n) * 2);
  },
  ifCrashed: "rerun",
});
const agent = defineAgent({
  name: "a",
  instructions: "",
  model: "m",
  tools: [double],
  limits: { runTimeoutMs: 20_000 },
});
const store = sqliteStore(`${folder}/sessions.db`);
const provider = claude({ baseUrl: url, apiKey: "key", retry: { firstDelayMs: 1 } });
const isFirst = dies !== "";
const session = await openSession(agent, {
  provider,
  store,
  sessionId: isFirst ? undefined : readFileSync(`${folder}/id`, "utf8"),
  onEvent({ type }) {
    if (dies === "once its message is taken" && type === "turn.started") die();
    if (dies === "once its results are told" && type === "turn.ended") die();
  },
});
if (isFirst) appendFileSync(`${folder}/id`, session.id);
const { text, ending } = await (isFirst ? session.send("three") : session.resume()).result();
await session.close();
await store.close();
process.stdout.write(JSON.stringify({ text, ending }));
