/** What a scenario of `loophost verify` works with: the public API, a provider, and words for what was not as documented. */

import type { Agent, AgentDefinition } from "../../core/agent.ts";
import { defineAgent } from "../../core/agent.ts";
import type { LoophostError } from "../../core/errors.ts";
import type { Observer } from "../../core/observer.ts";
import type { Provider } from "../../core/provider.ts";
import type { SessionResult } from "../../core/results.ts";
import type { OpenOptions, Session } from "../../core/session.ts";
import { openSession } from "../../core/session/open-session.ts";
import type { Store } from "../../core/store.ts";
import { memoryStore } from "../../stores/memory.ts";
import type { ListPrice } from "./price.ts";

/** A host to verify. */
export interface VerifyTarget {
  readonly name: string;
  readonly model: string | undefined;
  /** What a million tokens cost there, as far as it is known, and what is paid besides them, in words. */
  readonly price?: { readonly ofTokens: ListPrice | undefined; readonly besides?: string } | undefined;
  /**
   * Contract: a provider that holds sessions there. Given a `fetch`, requests go through it, where the provider takes one; given a
   * key, it is sent instead of the real one.
   */
  readonly provider: (how?: { readonly fetch?: typeof fetch; readonly apiKey?: string }) => Provider;
  /** Whether `provider` heeds a `fetch`. */
  readonly takesFetch: boolean;
  /** Whether there is a key that the host looks at. */
  readonly hasKey: boolean;
  /** Whether an unknown session is refused, rather than begun. */
  readonly knowsSessions: boolean;
  /** Whether the host takes events in its own form, and refuses those it does not know. */
  readonly takesRawEvents: boolean;
  /** Removes what a session left at the host. */
  readonly remove?: ((sessionId: string) => Promise<void>) | undefined;
}

/** A scenario. */
export interface Scenario {
  readonly id: string;
  /** What is documented, in a sentence. */
  readonly documented: string;
  /** How many requests to a model it takes, about. */
  readonly requests: number;
  /** Why it is not for a host; undefined for one that it is for. */
  readonly unfit?: ((target: VerifyTarget) => string | undefined) | undefined;
  /** Contract: rejects when something is not as documented; resolves with what was seen. */
  readonly run: (trial: Trial) => Promise<string>;
}

/** A scenario in the making: what was not as documented is thrown as a Deviation. */
export class Trial {
  readonly target: VerifyTarget;
  /** Kept for sessions that are attached to again. */
  readonly store: Store = memoryStore();
  readonly sessions: Set<string> = new Set<string>();
  readonly #observers: readonly Observer[];
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal;

  constructor(
    target: VerifyTarget,
    how: {
      readonly observers: readonly Observer[];
      readonly timeoutMs: number;
      readonly signal: AbortSignal;
    },
  ) {
    this.target = target;
    this.#observers = how.observers;
    this.#timeoutMs = how.timeoutMs;
    this.#signal = how.signal;
  }

  /** An agent that does as it is told. */
  agent(more: Partial<AgentDefinition> = {}): Agent {
    return defineAgent({
      name: "verify",
      instructions: "You take part in a test of a client. Do exactly what the user asks, and nothing else.",
      model: this.target.model,
      ...more,
      limits: { runTimeoutMs: this.#timeoutMs, maxTurns: 8, ...more.limits },
    });
  }

  async open(agent: Agent, options: Partial<OpenOptions> = {}): Promise<Session> {
    const provider = options.provider ?? this.target.provider();
    const session = await openSession(agent, {
      signal: AbortSignal.any([this.#signal, AbortSignal.timeout(this.#timeoutMs)]),
      store: this.store,
      observers: this.#observers,
      ...options,
      provider,
    });
    this.sessions.add(session.id);
    return session;
  }

  /** Says something in a session of its own. */
  async ask(
    prompt: string,
    more: Partial<AgentDefinition> = {},
    options: Partial<OpenOptions> = {},
  ): Promise<SessionResult> {
    await using session = await this.open(this.agent(more), options);
    // Awaited here, or the session would be closed while its run is open.
    return await session.send(prompt, { signal: this.#signal }).result();
  }
}

/** Something was not as it is documented. */
class Deviation extends Error {}

/** Checks what was seen; the words say what is documented, and then what came. */
export function must(isSo: boolean, expected: string, seen: unknown): void {
  if (isSo) return;
  const shown = typeof seen === "string" ? seen : JSON.stringify(seen);
  throw new Deviation(`expected ${expected}; saw ${(shown ?? "nothing").slice(0, 300)}`);
}

/** The error that work ends with. */
export async function errorOf(work: Promise<unknown>, expected: string): Promise<LoophostError> {
  const value = await work.then(
    (seen) => ({ seen }),
    (thrown: unknown) => ({ thrown }),
  );
  if ("thrown" in value) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sessions reject with nothing else
    return value.thrown as LoophostError;
  }
  throw new Deviation(`expected ${expected}; it succeeded`);
}
