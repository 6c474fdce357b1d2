// A user, a session, its host and its store, moved by steps in any order; tells what happened in the words of owed.ts.

import * as fc from "fast-check";
import type { Provider, Run, Session, Store } from "loophost";
import { defineAgent, defineTool, LoophostError, openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import type { ModelFunction } from "loophost/providers/local";
import { local } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import { sqliteStore } from "loophost/stores/sqlite";
import { settleMicrotasks } from "loophost/testing";

import { StepWatch } from "../../core/loop/call-table.ts";
import type { Happened } from "./owed.ts";

/** What can be done next. */
const STEPS = [
  "say",
  "ask to pay",
  "say and stop",
  "say and abort",
  "interrupt",
  "approve",
  "deny",
  "approve and deny",
  "resume",
  "die",
  "reopen",
  "let it go on",
] as const;
type Step = (typeof STEPS)[number];

export const HOSTS = ["local", "claude"] as const;
export const STORES = ["memory", "sqlite", "slow"] as const;

/** Half of them begin with a call that waits for a decision, since most of what can go wrong does so behind one. */
export const anySteps: fc.Arbitrary<readonly Step[]> = fc
  .tuple(fc.boolean(), fc.array(fc.constantFrom(...STEPS), { minLength: 1, maxLength: 10, size: "max" }))
  .map(([isWaiting, rest]): Step[] => (isWaiting ? ["ask to pay", ...rest] : rest));

const never = new Promise<never>(() => undefined);

/** Plays some steps, lets everything come to its end, and tells what happened. */
export async function play(
  on: (typeof HOSTS)[number],
  storeKind: (typeof STORES)[number],
  steps: readonly Step[],
): Promise<readonly Happened[]> {
  const happened: Happened[] = [];
  const kept: Store = storeKind === "sqlite" ? sqliteStore(":memory:") : memoryStore();
  let life = { isAlive: true };
  let said = 0;
  let session: Session | undefined;
  let run: Run | undefined;
  let last = "";

  const model: ModelFunction = ({ messages }) => {
    const heard = messages.flatMap((message) => (message.role === "user" ? [textOf(message.content)] : []));
    happened.push({ what: "asked", heard });
    const end = messages.at(-1);
    const isPay = end?.role === "user" && heard.at(-1)?.startsWith("pay") === true;
    return isPay
      ? [{ type: "tool_call", id: `call_${heard.at(-1)}`, name: "pay", input: { text: heard.at(-1) } }]
      : "ok";
  };
  const pay = defineTool({
    name: "pay",
    description: "Pays",
    input: { type: "object", properties: { text: { type: "string" } } },
    needsApproval: true,
    execute: (input) => {
      happened.push({ what: "ran", text: String((input as { text?: unknown }).text) });
      return "paid";
    },
  });
  const agent = defineAgent({ name: "payer", instructions: "Pay.", model: "m", tools: [pay] });
  const host = on === "claude" ? embeddedHost({ model }) : undefined;

  /** A provider and a store as one process has them: both are gone with it. */
  const provider = (mine: typeof life): Provider => {
    if (host === undefined)
      return local({ model: (call, more) => (mine.isAlive ? model(call, more) : never) });
    const fetch = (input: Request | URL | string, init?: RequestInit) =>
      mine.isAlive ? host.fetch(new Request(input, init)) : never;
    return claude({ baseUrl: "http://host", apiKey: "k", fetch });
  };
  const storeOf = (mine: typeof life): Store => ({
    ...kept,
    log: {
      claim: (id, lease) => kept.log.claim(id, lease),
      renew: (id, fence, ttlMs) => kept.log.renew(id, fence, ttlMs),
      release: (id, fence) => (mine.isAlive ? kept.log.release(id, fence) : never),
      delete: (id, fence) => kept.log.delete(id, fence),
      read: (id, after, limit) => kept.log.read(id, after, limit),
      append: async (id, fence, entries) => {
        if (storeKind === "slow") for (let round = 0; round < 3; round += 1) await settleMicrotasks();
        return mine.isAlive ? kept.log.append(id, fence, entries) : never;
      },
    },
  });
  let id: string | undefined;
  const watches: StepWatch[] = [];
  const opened = async (): Promise<Session> => {
    if (session !== undefined) return session;
    const watch = new StepWatch();
    watches.push(watch);
    session = await openSession(agent, {
      provider: provider(life),
      store: storeOf(life),
      sessionId: id,
      ifOwned: "take",
      onStep: watch.take,
    });
    id = session.id;
    return session;
  };
  const entries = async (): Promise<readonly { readonly type: string; readonly runId?: string }[]> => {
    const read = id === undefined ? [] : await kept.log.read(id, 0, 10_000);
    return read.map(({ entry }) => entry as unknown as { readonly type: string; readonly runId?: string });
  };
  const noteKept = async () => {
    const record = JSON.stringify((await entries()).filter(({ type }) => type === "run.started"));
    for (const one of happened.filter(({ what }) => what === "said"))
      if (one.what === "said" && record.includes(JSON.stringify(one.text)))
        happened.push({ what: "kept", text: one.text });
  };
  const follow = (started: Run, mine: typeof life) => {
    run = started;
    const over = async (): Promise<void> => {
      const ended = await started.result().catch(() => undefined);
      if (run === started) run = undefined;
      const isNothing = ended?.ending !== "completed" || ended.details?.code === "nothing_open";
      if (!mine.isAlive || isNothing) return;
      const isKept = (await entries()).some(
        ({ type, runId }) => type === "run.ended" && runId === started.id,
      );
      happened.push({ what: "ended", isKept });
    };
    over().catch(() => happened.push({ what: "ended", isKept: false }));
  };
  const settle = async () => {
    const isOver = () => run === undefined;
    for (let round = 0; !isOver() && round < 500; round += 1) await settleMicrotasks();
  };
  /** Sends a message; `atOnce` is done in the same step, so that its record is one with that of the message. */
  const say = async (
    prefix: string,
    atOnce?: (into: Session) => unknown,
    signal?: AbortSignal,
  ): Promise<void> => {
    await settle();
    const into = await opened();
    if (run !== undefined) return;
    said += 1;
    last = `${prefix} ${said}`;
    follow(into.send(last, { ifWaiting: "return", signal }), life);
    happened.push({ what: "said", text: last });
    if (atOnce === undefined) return;
    atOnce(into);
    happened.push({ what: "stopped", atOnce: true, text: last });
  };
  const decide = async (...allows: readonly boolean[]) => {
    const from = await opened();
    const waiting = (await entries()).findLast(({ type }) => type === "run.waiting") as
      | { on: { id: string; input: { text: string } }[] }
      | undefined;
    const call = waiting?.on[0];
    if (call === undefined) return;
    await Promise.all(
      allows.map((allow) =>
        (allow ? from.approve(call.id) : from.deny(call.id)).then(
          () => happened.push({ what: "decided", text: call.input.text, allow, counts: true }),
          (thrown: unknown) => {
            if (!(thrown instanceof LoophostError)) throw thrown;
          },
        ),
      ),
    );
  };
  const resume = async () => {
    const from = await opened();
    if (run === undefined) follow(from.resume({ ifWaiting: "return" }), life);
  };
  const acts: Record<Step, () => Promise<unknown>> = {
    say: () => say("hello"),
    "ask to pay": () => say("pay"),
    "say and stop": () => say("hello", (into) => into.interrupt()),
    "say and abort": () => {
      const abort = new AbortController();
      return say("pay", () => abort.abort(), abort.signal);
    },
    interrupt: async () => {
      if (run === undefined) return;
      await session?.interrupt();
      happened.push({ what: "stopped", atOnce: false, text: last });
      await settle();
    },
    approve: () => decide(true),
    deny: () => decide(false),
    "approve and deny": () => decide(true, false),
    resume,
    die: async () => {
      life.isAlive = false;
      life = { isAlive: true };
      session = undefined;
      run = undefined;
      await settleMicrotasks();
      await noteKept();
      happened.push({ what: "died" });
    },
    reopen: async () => {
      await settle();
      await session?.close();
      session = undefined;
    },
    "let it go on": settle,
  };
  for (const step of steps) await acts[step]();
  for (let round = 0; round < said + 2; round += 1) {
    await settle();
    await decide(true);
    await resume();
  }
  await settle();
  await session?.close();
  await host?.close();
  await kept.close();
  const impossible = watches.find(({ met }) => met !== undefined)?.met;
  if (impossible !== undefined)
    throw new Error(`The machine met what the table calls impossible: ${impossible}`);
  return happened;
}

function textOf(content: readonly { readonly type: string; readonly text?: string }[]): string {
  return content.map(({ text = "" }) => text).join("");
}
