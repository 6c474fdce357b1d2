import type { Store } from "loophost";
import { openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import type { EmbeddedHost } from "loophost/server";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import { settleMicrotasks } from "loophost/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { essence, Ledger, mortalStore, noter, planned } from "./scenario.ts";

const TURNS = 10;
let host: EmbeddedHost;

beforeAll(() => {
  host = embeddedHost({ model: planned(TURNS) });
});
afterAll(() => host.close());

/** A process: its journal and its network die together, at one of their operations. */
function mortalProcess(kept: Store, kill: { at: number; of: "write" | "request"; when: "before" | "after" }) {
  const mortal = mortalStore(kept, kill.of === "write" ? kill.at : Number.POSITIVE_INFINITY, kill.when);
  let requests = 0;
  let isCut = false;
  const never = new Promise<never>(() => undefined);
  const isDead = () => isCut || mortal.isDead();
  const network: typeof fetch = async (input, init) => {
    if (isDead()) return never;
    requests += 1;
    const isLast = kill.of === "request" && requests === kill.at;
    if (isLast && kill.when === "before") isCut = true;
    if (isDead()) return never;
    const response = await host.fetch(new Request(input, init));
    if (isLast) isCut = true;
    return isDead() ? never : new Response(response.body?.pipeThrough(deadEnd(isDead)) ?? null, response);
  };
  // What is written by a process that died at a request is written by nobody.
  const log: Store["log"] = {
    ...mortal.store.log,
    append: (id, fence, entries) => (isDead() ? never : mortal.store.log.append(id, fence, entries)),
  };
  return {
    store: { ...mortal.store, log },
    network,
    isDead,
    operations: () => ({ write: mortal.writes(), request: requests }),
  };
}

function deadEnd(isDead: () => boolean): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform: (chunk, controller) => (isDead() ? undefined : controller.enqueue(chunk)),
  });
}

async function killed(kill: Parameters<typeof mortalProcess>[1]) {
  const kept = memoryStore();
  const ledger = new Ledger();
  const agent = noter(ledger);
  const dying = mortalProcess(kept, kill);
  let sessionId = "";
  const started = openSession(agent, {
    provider: claude({ baseUrl: "http://127.0.0.1", fetch: dying.network }),
    store: dying.store,
  }).then((session) => {
    sessionId = session.id;
    return session.send("go").result();
  });
  const first = await Promise.race([started, died(dying.isDead)]);
  const operations = dying.operations();
  if (first !== "died") return { result: first, ledger, operations, sessionId };
  // Killed before there was a session to come back to, the caller begins anew.
  const provider = claude({
    baseUrl: "http://127.0.0.1",
    fetch: (input, init) => host.fetch(new Request(input, init)),
  });
  await using session = await openSession(agent, {
    provider,
    store: kept,
    ...(sessionId === "" ? {} : { sessionId }),
    ifOwned: "take",
  });
  const isOnRecord = (await kept.log.read(session.id, 0, 1000)).some(({ entry }) =>
    JSON.stringify(entry).includes('"run.started"'),
  );
  const result = await (isOnRecord ? session.resume() : session.send("go")).result();
  return { result, ledger, operations, sessionId: session.id };
}

async function died(isDead: () => boolean): Promise<"died"> {
  while (!isDead()) await settleMicrotasks();
  await settleMicrotasks();
  return "died";
}

/** How often the host holds each kind of message of ours. */
async function hostHas(sessionId: string): Promise<Record<string, number>> {
  const response = await host.fetch(
    new Request(`http://127.0.0.1/v1/sessions/${sessionId}/events?limit=1000`),
  );
  const { data } = (await response.json()) as { data: { type: string }[] };
  const count = (type: string) => data.filter((event) => event.type === type).length;
  return { messages: count("user.message"), results: count("user.custom_tool_result") };
}

describe("a session of a hosted loop, killed and taken up again", () => {
  it.each([
    ["write", "before"],
    ["write", "after"],
    ["request", "before"],
    ["request", "after"],
  ] as const)(
    "comes to the undisturbed end, calls run once, messages sent once: killed at each %s in turn, %s it [I2] [I3] [I5]",
    { timeout: 120_000 },
    async (of, when) => {
      const undisturbed = await killed({ at: Number.POSITIVE_INFINITY, of, when });
      const due = JSON.stringify([essence(undisturbed.result), await hostHas(undisturbed.sessionId)]);
      expect(undisturbed.ledger.executed).toHaveLength(TURNS * 2);
      const wrong: unknown[] = [];
      for (let at = 1; at <= undisturbed.operations[of]; at += 1) {
        const { result, ledger, sessionId } = await killed({ at, of, when });
        const came = JSON.stringify([essence(result), await hostHas(sessionId)]);
        if (came !== due || ledger.repeated.length > 0 || ledger.executed.length !== TURNS * 2)
          wrong.push({ at, came, repeated: ledger.repeated, executed: ledger.executed.length });
      }
      expect(wrong).toEqual([]);
    },
  );
});
