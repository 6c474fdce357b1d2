// What befalls the network of a run, drawn by seed: which fault meets the nth request of its kind.
//
// By kind, because the order among kinds is a matter of milliseconds: the third result to be posted is the same one
// however often the stream was opened before.

import type { ProxiedRequest, WireFault } from "loophost/testing/node";

import { chanceAt, pickAt } from "../../../src/testing/faults/random.ts";

/** What a request asks for, in the order in which a run asks for it. */
export type RequestKind =
  | "list environments"
  | "create environment"
  | "list agents"
  | "create agent"
  | "create session"
  | "open stream"
  | "list events"
  | "post message"
  | "post result";

/** What befalls so many requests of a kind in a row. */
export interface Accident {
  readonly kind: RequestKind;
  /** Counted from 1 among those of its kind. */
  readonly nth: number;
  readonly inARow: number;
  readonly fault: WireFault;
}

/** Draws the accidents of a run: one to six, of any kinds. */
export function drawAccidents(seed: number): readonly Accident[] {
  return Array.from({ length: pickAt(6, seed, 2) }, (_, index) => {
    const pick = (most: number, place: number) => pickAt(most, seed, 2, index, place);
    const { kind, most } = oneOf(WEIGHTED, pick(WEIGHTED.length, 1));
    const faults = kind === "open stream" ? STREAM_FAULTS : FAULTS;
    const draw = oneOf(faults, pick(faults.length, 2));
    const isAlone = chanceAt(seed, 2, index, 3) < 0.7;
    return {
      kind,
      nth: pick(most, 4),
      inARow: isAlone ? 1 : 1 + pick(5, 5),
      fault: draw((upTo) => pick(upTo, 6)),
    };
  });
}

/** The accidents as the proxy takes them, and which kind of request each was meant for. */
export function toFaults(accidents: readonly Accident[]): ReadonlyMap<WireFault, RequestKind> {
  const place = numbering();
  return new Map(
    accidents.map(({ kind, nth, inARow, fault }) => {
      const on = (request: ProxiedRequest) => {
        const at = place(request);
        return at.kind === kind && at.nth >= nth && at.nth < nth + inARow;
      };
      return [{ ...fault, on }, kind];
    }),
  );
}

interface Target {
  readonly kind: RequestKind;
  /** How often it is chosen, by how much there is to go wrong. */
  readonly weight: number;
  /** Up to which request of its kind accidents begin. */
  readonly most: number;
}

const TARGETS: readonly Target[] = [
  { kind: "list environments", weight: 1, most: 1 },
  { kind: "create environment", weight: 1, most: 1 },
  { kind: "list agents", weight: 1, most: 1 },
  { kind: "create agent", weight: 1, most: 1 },
  { kind: "create session", weight: 1, most: 1 },
  { kind: "open stream", weight: 24, most: 2 },
  { kind: "list events", weight: 10, most: 3 },
  { kind: "post message", weight: 14, most: 2 },
  { kind: "post result", weight: 20, most: 8 },
];
const WEIGHTED = TARGETS.flatMap((target) => Array.from({ length: target.weight }, () => target));

type Draw = (pick: (most: number) => number) => WireFault;

const refusal =
  (status: number, headers: Readonly<Record<string, string>> = {}): Draw =>
  () => ({ how: "refuse", status, headers });

const FAULTS: readonly Draw[] = [
  refusal(429),
  refusal(429, { "retry-after": "2" }),
  refusal(429, { "retry-after-ms": "700" }),
  refusal(500),
  refusal(503),
  refusal(529),
  () => ({ how: "lose request" }),
  () => ({ how: "lose reply" }),
  // Up to some ten seconds of the loop's time: longer than anybody looks for it.
  (pick) => ({ how: "lose reply", lateMs: pick(100) }),
  (pick) => ({ how: "delay", ms: pick(25) }),
  (pick) => ({ how: "delay", ms: pick(25), of: "reply" }),
  (pick) => ({ how: "cut", afterBytes: pick(800) - 1 }),
  (pick) => ({ how: "stall", afterBytes: pick(800) - 1 }),
];

const STREAM_FAULTS: readonly Draw[] = [
  ...FAULTS.slice(0, 8),
  (pick) => ({ how: "cut", afterBytes: pick(9_000) - 1 }),
  (pick) => ({ how: "cut", afterBytes: pick(9_000) - 1 }),
  (pick) => ({ how: "stall", afterBytes: pick(6_000) - 1 }),
  (pick) => ({ how: "duplicate", chance: pick(5) / 10 }),
  (pick) => ({ how: "duplicate", chance: pick(5) / 10 }),
  (pick) => ({ how: "reorder", chance: pick(5) / 10 }),
  (pick) => ({ how: "reorder", chance: pick(3) / 10, by: 2 }),
  (pick) => ({ how: "lag", ms: pick(10), chance: 0.2 }),
  (pick) => ({ how: "delay", ms: pick(25), of: "reply" }),
];

interface Place {
  readonly kind: RequestKind;
  /** Counted from 1 among those of its kind. */
  readonly nth: number;
}

/** Numbers the requests of each kind. All faults are asked about one request before any is about the next. */
function numbering(): (request: ProxiedRequest) => Place {
  const counts = new Map<RequestKind, number>();
  let latest: Place = { kind: "list environments", nth: 0 };
  let number = 0;
  return (request) => {
    if (request.number === number) return latest;
    number = request.number;
    const kind = kindOf(request);
    latest = { kind, nth: (counts.get(kind) ?? 0) + 1 };
    counts.set(kind, latest.nth);
    return latest;
  };
}

function kindOf({ method, path, body }: ProxiedRequest): RequestKind {
  const isRead = method === "GET";
  if (path.startsWith("/v1/environments")) return isRead ? "list environments" : "create environment";
  if (path.startsWith("/v1/agents")) return isRead ? "list agents" : "create agent";
  if (path.includes("/stream")) return "open stream";
  if (!path.includes("/events")) return "create session";
  if (isRead) return "list events";
  return body.includes('"user.message"') ? "post message" : "post result";
}

function oneOf<T>(items: readonly T[], nth: number): T {
  const item = items[nth - 1];
  if (item === undefined) throw new Error(`There is no item ${nth} among ${items.length}.`);
  return item;
}
