// A session that outlives its process: a call waits in a file for somebody's yes, for days if need be, and whoever opens
// the session next goes on with it. Nothing is in memory meanwhile, and the tool runs once.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { defineAgent, defineTool, openSession } from "loophost";
import { local, type ModelFunction } from "loophost/providers/local";
import { sqliteStore } from "loophost/stores/sqlite";
import { z } from "zod";

const paid: string[] = [];

const pay = defineTool({
  name: "pay",
  description: "Pays an order back.",
  input: z.object({ order: z.number() }),
  needsApproval: true,
  // The same key in every process: hand it to whoever moves the money.
  execute: ({ order }, { idempotencyKey }) => {
    paid.push(idempotencyKey);
    return `order ${order} is paid back`;
  },
});

const agent = defineAgent({ name: "refunds", instructions: "Be brief.", tools: [pay] });

const model: ModelFunction = ({ messages }) => {
  const last = messages.at(-1);
  if (last?.role !== "tool") return [{ type: "tool_call", id: "pay_1", name: "pay", input: { order: 42 } }];
  return `Done: ${last.results.map(({ result }) => JSON.stringify(result.content)).join()}`;
};

const folder = await mkdtemp(join(tmpdir(), "loophost-"));
const file = join(folder, "sessions.db");

/** What each process does first; with an id it goes on with what another left. */
async function open(sessionId?: string) {
  const store = sqliteStore(file);
  const session = await openSession(agent, { provider: local({ model }), store, sessionId });
  return { session, close: () => session.close().then(() => store.close()) };
}

const first = await open();
const parked = await first.session.send("Pay order 42 back.", { ifWaiting: "return" }).result();
console.log(`${parked.terminal}: nothing is paid, and this process may end`);
await first.close();

const second = await open(parked.sessionId);
await second.session.approve("pay_1");
console.log("approved, by another process that does nothing else");
await second.close();

const third = await open(parked.sessionId);
const { text } = await third.session.resume().result();
console.log(text);
await third.close();
await rm(folder, { recursive: true });

assert.equal(parked.terminal, "requires_action");
assert.deepEqual(paid, [`${parked.sessionId}:pay_1`]);
