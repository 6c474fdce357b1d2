// One session of many turns, its tools writing a ledger, over anything that can be killed and taken up again.

import type { Agent, SessionResult, Store } from "loophost";
import { defineAgent, defineTool } from "loophost";
import type { ModelFunction } from "loophost/providers/local";

/** Calls the tools of a session executed, by idempotency key; a key twice is a call run twice. */
export class Ledger {
  readonly executed: string[] = [];

  /** Those that were executed more than once. */
  get repeated(): string[] {
    return this.executed.filter((key, index) => this.executed.indexOf(key) !== index);
  }
}

/** A model that calls two tools in each of so many turns, then sums up what they gave. Decides from the conversation alone. */
export function planned(turns: number): ModelFunction {
  return ({ messages }) => {
    const results = messages.flatMap((message) => (message.role === "tool" ? message.results : []));
    const turn = messages.filter(({ role }) => role === "tool").length;
    if (turn === turns)
      return `sum ${results.reduce((sum, { result }) => sum + Number(result.content[0]?.type === "text" ? result.content[0].text : Number.NaN), 0)}`;
    return [0, 1].map(
      (index) =>
        ({
          type: "tool_call",
          id: `t${turn}_${index}`,
          name: "note",
          input: { n: turn * 2 + index },
        }) as const,
    );
  };
}

/** The agent of such a session. Its tool finds out from the ledger whether a call it was not told the end of took effect. */
export function noter(ledger: Ledger): Agent<undefined> {
  const note = defineTool({
    name: "note",
    description: "Notes a number",
    input: { type: "object", properties: { n: { type: "number" } }, required: ["n"] },
    execute: ({ n }, { idempotencyKey }) => {
      ledger.executed.push(idempotencyKey);
      return String(n);
    },
    ifCrashed: {
      probe: async (key) =>
        ledger.executed.includes(key) ? String(ledger.executed.indexOf(key)) : undefined,
    },
  });
  return defineAgent({ name: "noter", instructions: "Note.", model: "local-model", tools: [note] });
}

/** What a run must come to, however often it was killed. */
export function essence({ terminal, ending, text, turns, toolCalls }: SessionResult): unknown {
  return { terminal, ending, text, turns, toolCalls: toolCalls.map(({ name, input }) => ({ name, input })) };
}

/** A store that dies at a write: before it is done, or just after. Whoever waits for it waits for ever. */
export function mortalStore(
  store: Store,
  killAt: number,
  when: "before" | "after",
): { store: Store; writes: () => number; isDead: () => boolean } {
  let writes = 0;
  let isDead = false;
  const never = new Promise<never>(() => undefined);
  const mortal: Store = {
    ...store,
    log: {
      ...store.log,
      async append(id, fence, entries) {
        if (isDead) return never;
        writes += 1;
        if (writes !== killAt) return store.log.append(id, fence, entries);
        isDead = true;
        if (when === "after") await store.log.append(id, fence, entries);
        return never;
      },
    },
  };
  return { store: mortal, writes: () => writes, isDead: () => isDead };
}
