/**
 * A measuring process: sessions of many turns over an engine, run by a worker of its own, and prints what it measured.
 *
 *   node --conditions=loophost:source bench/fleet/session-worker.ts <job as JSON>
 */

import { defineAgent, defineTool } from "loophost";
import { local } from "loophost/providers/local";
import type { ModelFunction } from "loophost/providers/local";
import type { SessionRef } from "loophost/sessions";
import { sessions } from "loophost/sessions";

import { freePorts } from "../../test/engines/restate/server.ts";
import { openParts } from "../../test/sessions/fleet/parts.ts";
import { places } from "../../test/sessions/fleet/places.ts";
import type { Figures } from "../comparison.ts";
import { median, p99 } from "../statistics.ts";
import type { FleetSizes } from "./comparison.ts";

/** One measurement. */
export interface SessionJob extends Pick<FleetSizes, "running" | "turns" | "parked"> {
  readonly engine: "in-process" | "postgres" | "restate";
}

/** "go N": N tool calls, one a turn; "park": one that waits for approval. */
const model: ModelFunction = ({ messages }) => {
  const asked = messages.findLastIndex(({ role }) => role === "user");
  const text = JSON.stringify(messages[asked]);
  const done = messages.slice(asked).filter(({ role }) => role === "tool").length;
  const id = `call_${messages.length}`;
  if (text.includes("park") && done === 0) return [{ type: "tool_call", id, name: "approved", input: {} }];
  const wanted = Number(/go (\d+)/.exec(text)?.[1] ?? 0);
  return done < wanted ? [{ type: "tool_call", id, name: "step", input: { of: done } }] : "done";
};

if (import.meta.main) {
  const [job] = process.argv.slice(2);
  if (job === undefined) throw new Error("Usage: session-worker.ts <job as JSON>");
  process.stdout.write(JSON.stringify(await measure(JSON.parse(job))));
  process.exit(0);
}

async function measure({ engine, running: count, turns, parked }: SessionJob): Promise<Figures> {
  await using at = places();
  const begun = new Map<string, (at: number) => void>();
  const tool = (name: string, needsApproval: boolean) =>
    defineTool({
      name,
      description: name,
      input: { type: "object" },
      needsApproval,
      execute(_, { sessionId }) {
        begun.get(sessionId)?.(performance.now());
        return "done";
      },
    });
  const tools = [tool("step", false), tool("approved", true)];
  const agent = defineAgent({ name: "bench", instructions: "Step.", tools, limits: { maxTurns: 100 } });
  const [port = 0] = await freePorts(1);
  const restate =
    engine === "restate"
      ? { ...(await at.restate()), name: `bench-${process.pid}`, listen: { port } }
      : undefined;
  const parts = openParts({
    ...(await at.newStore(engine)),
    engine,
    restate: restate && {
      ingress: restate.ingress,
      admin: restate.admin,
      name: restate.name,
      listen: { port },
    },
  });
  const resting = new Map<string, () => void>();
  const app = sessions({
    ...parts,
    agents: [{ agent, provider: local({ model }) }],
    // Told of, not read: a reader for each session would cost as much as the worker.
    onEvent: ({ type }, { sessionId }) => {
      if (type !== "run.ended" && type !== "run.waiting") return;
      resting.get(sessionId)?.();
      resting.delete(sessionId);
    },
  });
  const rests = (chat: SessionRef) => new Promise<void>((resolve) => resting.set(chat.id, resolve));
  await app.work({ maxActivations: 400 });
  const made = (prefix: string, many: number) =>
    Promise.all(Array.from({ length: many }, (_, index) => app.create("bench", { id: `${prefix}${index}` })));
  const all = async (chats: readonly SessionRef[], text: string) => {
    const over = Promise.all(chats.map((chat) => rests(chat)));
    await Promise.all(chats.map((chat) => chat.send(text)));
    await over;
  };
  // As much as is measured, so that no figure is one of code that is compiled meanwhile.
  await all(await made("first", count), `go ${turns}`);
  const warm = await made("warm", 10);
  await all(warm, "go 2");

  const chats = await made("run", count);
  const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()];
  await all(chats, `go ${turns}`);
  const wallMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  // A reply for each call and one at the end.
  const steps = count * (2 * turns + 1);

  const waits: number[] = [];
  for (let times = 0; times < 5; times += 1)
    for (const chat of warm) {
      const wake = new Promise<number>((resolve) => begun.set(chat.id, resolve));
      const over = rests(chat);
      const sentAt = performance.now();
      await chat.send("go 1");
      waits.push((await wake) - sentAt);
      await over;
    }

  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  await all(await made("parked", parked), "park");
  globalThis.gc?.();
  const heapKb = (process.memoryUsage().heapUsed - heapBefore) / 1_024 / parked;
  await app.close();
  await parts.store.close();
  return {
    perSecond: (steps / wallMs) * 1_000,
    cpuMs: (user + system) / 1_000 / steps,
    wakeMs: median(waits),
    wakeP99Ms: p99(waits),
    parkedKb: heapKb,
  };
}
