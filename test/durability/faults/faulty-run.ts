// One conversation over a network that breaks, and what came of it, looked at from every side: its results or its error,
// the notes its tools made, the host's own log, and what is left over. After an error the session is taken up again.

import type { Observer, SessionResult, Store } from "loophost";
import { openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import type { EmbeddedHost } from "loophost/server";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import type { FaultProxy, WireFault } from "loophost/testing/node";
import { faultProxy } from "loophost/testing/node";

import type { RequestKind } from "./accidents.ts";
import { drawAccidents, toFaults } from "./accidents.ts";
import type { Conversation, Notes } from "./conversation.ts";
import { drawConversation, noter, planned } from "./conversation.ts";
import type { FastClock } from "./fast-clock.ts";
import { fastClock } from "./fast-clock.ts";
import type { HostView } from "./host-view.ts";
import { viewOf } from "./host-view.ts";

/** A run that has not ended after half an hour of its own time hangs. */
const HANG_MS = 30 * 60_000;

/** What a run came to. */
export interface Observed {
  /** Of each message that was sent, as far as it came. */
  readonly results: readonly SessionResult[];
  readonly error: unknown;
  /** Why the session could not be taken up again after the error. */
  readonly lost: unknown;
  readonly hangs: boolean;
  readonly notes: Notes;
  readonly host: HostView;
  /** Timers and requests that were left when the session was closed. */
  readonly leftOver: number;
  readonly happened: readonly Mishap[];
}

/** A fault that happened, and to what. */
export interface Mishap {
  readonly kind: RequestKind;
  readonly request: number;
  readonly fault: WireFault;
}

/** Holds the conversation of a seed over the network of that seed. */
export async function runFaulty(seed: number, observers: readonly Observer[] = []): Promise<Observed> {
  const conversation = drawConversation(seed);
  await using host = hostFor(conversation);
  const { url } = await host.listen();
  const faults = toFaults(drawAccidents(seed));
  await using proxy = await faultProxy({ target: url, seed, faults: [...faults.keys()] });
  const us = newSide(url, observers);
  const stop = new AbortController();
  const held = hold(conversation, us, { url: proxy.url, signal: stop.signal });
  const ended = await within(HANG_MS, held);
  stop.abort();
  const leftOver = ended === undefined ? 0 : await leftovers(proxy, us.clock);
  const { error, sessionId } = ended ?? {};
  const lost = error === undefined || sessionId === undefined ? undefined : await takeUp(sessionId, us);
  return {
    results: us.results,
    error,
    lost,
    hangs: ended === undefined,
    notes: us.notes,
    host: await viewOf(host),
    leftOver,
    happened: proxy.log.map(({ request, fault }) => ({
      kind: faults.get(fault) ?? "open stream",
      request,
      fault,
    })),
  };
}

/** The same conversation over a network that works. */
export async function runUndisturbed(conversation: Conversation): Promise<Observed> {
  await using host = hostFor(conversation);
  const { url } = await host.listen();
  const us = newSide(url);
  const { error } = await hold(conversation, us, { url });
  const nothing = { lost: undefined, hangs: false, leftOver: 0, happened: [] };
  return { ...nothing, results: us.results, error, notes: us.notes, host: await viewOf(host) };
}

function hostFor(conversation: Conversation): EmbeddedHost {
  return embeddedHost({ model: planned(conversation), clock: fastClock() });
}

/** What is ours, and outlives an error. */
interface Side {
  /** Past the faulty network. */
  readonly directUrl: string;
  readonly clock: FastClock;
  readonly results: SessionResult[];
  readonly notes: Notes;
  readonly store: Store;
  readonly observers: readonly Observer[];
}

function newSide(directUrl: string, observers: readonly Observer[] = []): Side {
  return { observers, directUrl, clock: fastClock(), results: [], notes: [], store: memoryStore() };
}

interface Held {
  readonly error: unknown;
  readonly sessionId: string | undefined;
}

/** Our side of a conversation: one run after the other, until one fails. */
async function hold(
  { prompts }: Conversation,
  { clock, results, notes, store, observers }: Side,
  { url, signal }: { readonly url: string; readonly signal?: AbortSignal },
): Promise<Held> {
  let sessionId: string | undefined;
  try {
    const provider = claude({ baseUrl: url, apiKey: "none", clock });
    await using session = await openSession(noter(notes, clock), {
      provider,
      clock,
      store,
      signal,
      observers,
    });
    sessionId = session.id;
    for (const prompt of prompts) results.push(await session.send(prompt, { signal }).result());
    return { error: undefined, sessionId };
  } catch (error) {
    return { error, sessionId };
  }
}

/** Finishes what a run that failed has left open, over a network that works; gives what hinders it. */
async function takeUp(
  sessionId: string,
  { directUrl, clock, notes, store, observers }: Side,
): Promise<unknown> {
  try {
    const provider = claude({ baseUrl: directUrl, apiKey: "none", clock });
    await using session = await openSession(noter(notes, clock), {
      provider,
      clock,
      store,
      sessionId,
      observers,
    });
    await session.resume().result();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What is still under way a moment after everything was closed. */
async function leftovers(proxy: FaultProxy, clock: FastClock): Promise<number> {
  const left = () => clock.waiting + proxy.underWay;
  for (let tries = 0; left() > 0 && tries < 100; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  return left();
}

/** What comes within so long; undefined when nothing does. */
function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = fastClock().after(ms, () => resolve(undefined));
    work.finally(cancel).then(resolve, reject);
  });
}
