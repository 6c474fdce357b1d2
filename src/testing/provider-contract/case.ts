/**
 * What a case of the provider contract is given: a host whose model plays turns, and a record of what that model was told.
 * The kit needs no test runner: a case resolves, or rejects with an Error that says what was not as it must be.
 */

import type { Agent, SomeLimits } from "../../core/agent.ts";
import { defineAgent } from "../../core/agent.ts";
import { sleep } from "../../core/async/abort.ts";
import { systemClock } from "../../core/clock.ts";
import type { LoophostError } from "../../core/errors.ts";
import { hasCode, messageOf } from "../../core/errors.ts";
import type { SessionEvent } from "../../core/events.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Provider } from "../../core/provider.ts";
import type { Run } from "../../core/run.ts";
import type { OpenOptions, Session } from "../../core/session.ts";
import { openSession } from "../../core/session/open-session.ts";
import type { Store } from "../../core/store.ts";
import type { Tool } from "../../core/tool.ts";
import { defineTool } from "../../core/tool.ts";

/** What the host's model does when it is asked once. */
export interface ContractTurn {
  readonly text?: string | undefined;
  /** Calls of the user's tools, all in this one turn. */
  readonly calls?: readonly ContractCall[] | undefined;
  /** The model answers once this resolves; an interrupt may end the turn before. */
  readonly after?: Promise<unknown> | undefined;
}

/** A call the model makes. */
export interface ContractCall {
  /** Unique in the session; given back with the result in `heard`. */
  readonly id: string;
  readonly name: string;
  readonly input: JsonObject;
}

/** Something the host's model was told: a message of the user's, or the result of one of its calls. */
export type Heard =
  | { readonly what: "message"; readonly text: string }
  | { readonly what: "result"; readonly id: string; readonly text: string; readonly isError: boolean };

/** A host to hold the contract against; most hosts are stand-ins that speak the wire over loopback. */
export interface ContractHost {
  /** Contract: the same host at every call, so that a session can be attached to from a second provider. */
  provider(): Provider;
  /** What the model was told, each thing once, in order. */
  readonly heard: readonly Heard[];
  /** Where the conversation is kept, for providers with `history: "here"`: the cases attach with it. */
  readonly store?: Store | undefined;
  /** Strings to pull, where the host has them; cases that need one it lacks are not run. */
  readonly faults?: ContractFaults | undefined;
  close(): Promise<void>;
}

/** What can go wrong between the provider and its host. */
export interface ContractFaults {
  /** The host takes the next input of this kind, and the reply that says so is lost. */
  loseReply?(to: "message" | "result"): void;
  /** The host refuses the next input of this kind with an error that passes. */
  refuseOnce?(what: "message" | "result"): void;
  /** Every open stream breaks. */
  cut?(): void;
}

/** Starts a host whose model plays these turns, one each time it is asked. */
export type MakeHost = (turns: readonly ContractTurn[]) => Promise<ContractHost>;

/** One thing every provider has to do. */
export interface ProviderCase {
  readonly name: string;
  /** The string of `ContractFaults` it pulls. */
  readonly needs?: keyof ContractFaults | undefined;
  /** @param patienceMs how long a run may take before it counts as hanging; default 10 000 */
  readonly check: (makeHost: MakeHost, patienceMs?: number) => Promise<void>;
}

/** What a case works with: the host, an agent whose tools are recorded, and sessions that are closed at the end. */
export interface Bench {
  readonly host: ContractHost;
  /** Calls that ran here, in order of their start: name and input. */
  readonly ran: { readonly name: string; readonly input: unknown }[];
  readonly open: (
    options?: Partial<OpenOptions>,
    more?: { readonly limits?: SomeLimits; readonly tools?: readonly Tool[] },
  ) => Promise<Session>;
}

/** Makes a case of a function that uses a bench; whatever it opened is closed, also when it fails. */
export function providerCase(
  name: string,
  turns: readonly ContractTurn[] | ((moment: Moments) => readonly ContractTurn[]),
  check: (bench: Bench, moments: Moments) => Promise<void>,
  needs?: keyof ContractFaults,
): ProviderCase {
  return {
    name,
    needs,
    async check(makeHost, patienceMs = 10_000) {
      const moments = newMoments();
      const host = await makeHost(typeof turns === "function" ? turns(moments) : turns);
      const sessions: Session[] = [];
      const ran: Bench["ran"] = [];
      try {
        const bench: Bench = {
          host,
          ran,
          async open(options = {}, { limits, tools = [] } = {}) {
            const agent = recordingAgent(ran, { runTimeoutMs: patienceMs, ...limits }, tools);
            const session = await openSession(agent, {
              provider: host.provider(),
              store: host.store,
              ...options,
            });
            sessions.push(session);
            return session;
          },
        };
        await within(patienceMs * 2, check(bench, moments));
      } finally {
        moments.release();
        const closing = Promise.all(sessions.map((session) => session.close().catch(() => undefined)));
        try {
          await within(patienceMs, closing);
        } finally {
          await host.close();
        }
      }
    },
  };
}

/** A timeout: a provider that never answers must fail its case, not hang the test run. */
function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const deadline = new AbortController();
  const late = sleep(ms, systemClock, deadline.signal).then(() => {
    throw new Error(`nothing came of it within ${ms} ms`);
  });
  late.catch(() => undefined);
  return Promise.race([work, late]).finally(() => deadline.abort());
}

/** A gate a turn or a tool can wait at, so that a case says what happens while it does. */
export interface Moments {
  readonly released: Promise<void>;
  readonly release: () => void;
}

function newMoments(): Moments {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  return { released, release };
}

/** `double` gives twice its number, `echo` its input as JSON, `fail` an error. */
function recordingAgent(ran: Bench["ran"], limits: SomeLimits, more: readonly Tool[]): Agent {
  const note = (name: string, work: (input: Record<string, unknown>) => unknown) =>
    defineTool({
      name,
      description: `The contract's tool ${name}.`,
      input: { type: "object" },
      execute(input) {
        ran.push({ name, input });
        return work(input);
      },
    });
  const tools = [
    note("double", ({ n }) => String(Number(n) * 2)),
    note("echo", (input) => JSON.stringify(input)),
    note("fail", () => {
      throw new Error("it broke");
    }),
    ...more,
  ];
  return defineAgent({
    name: "contract",
    model: "contract-model",
    instructions: "You play the contract.",
    tools,
    limits,
  });
}

/** Every event of a run, to its end; an error that ends it is left to `result()`. */
export async function eventsOf(run: Run): Promise<readonly SessionEvent[]> {
  const events: SessionEvent[] = [];
  try {
    for await (const event of run) events.push(event);
  } catch {
    // The same error rejects result().
  }
  return events;
}

/** Rejects what is not the same JSON. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [found, wanted] = [JSON.stringify(actual) ?? "undefined", JSON.stringify(expected) ?? "undefined"];
  if (found !== wanted) throw new Error(`${what}: expected ${shorten(wanted)}, got ${shorten(found)}`);
}

/** Rejects work that does not fail with this code. */
export async function failsWith(work: Promise<unknown>, code: LoophostError["code"]): Promise<void> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error ?? new Error("nothing"),
  );
  if (hasCode(thrown, code)) return;
  const what = thrown === undefined ? "it succeeded" : `it was rejected: ${messageOf(thrown)}`;
  throw new Error(`expected a LoophostError with the code "${code}", but ${what}`);
}

/** The texts of the messages the host's model heard, in order. */
export function messagesHeard({ heard }: ContractHost): readonly string[] {
  return heard.flatMap((item) => (item.what === "message" ? [item.text] : []));
}

/** The results the host's model heard, by the ids of its calls; answers to calls of one turn may come in any order. */
export function resultsHeard({ heard }: ContractHost): readonly (readonly [string, string])[] {
  return heard
    .flatMap((item) => (item.what === "result" ? [[item.id, item.text] as const] : []))
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function shorten(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)}… (${text.length} characters)`;
}
