/**
 * Which faults happen to which requests: decided by a seed, the number of the request and that of the fault, so that a
 * run can be had again.
 */

import { chanceAt } from "./random.ts";

/** A request, as a fault looks at it. */
export interface ProxiedRequest {
  /** Counted from 1. */
  readonly number: number;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly body: string;
}

/** What goes wrong, and with which requests. */
export type WireFault = {
  /** Which requests it may happen to. Default: all. */
  readonly on?: ((request: ProxiedRequest) => boolean) | undefined;
  /** How likely it is, from 0 to 1; for frames, of each frame. Default 1. */
  readonly chance?: number | undefined;
  /** How often it happens at most. Default: no limit. */
  readonly times?: number | undefined;
} & (
  | {
      /** The connection breaks when so many bytes of the reply have passed. */
      readonly how: "cut";
      readonly afterBytes: number;
    }
  /** The server gets the request and does it; its reply is lost with the connection. */
  | { readonly how: "lose reply" }
  | {
      /** The request waits before it is passed on. */
      readonly how: "delay";
      readonly ms: number;
    }
  | {
      /** The proxy answers instead of the server, which never hears of it. */
      readonly how: "refuse";
      readonly status: number;
      /** Sent as `retry-after-ms`. Default: no such header. */
      readonly retryAfterMs?: number | undefined;
    }
  /** An event of a stream comes twice. Only for wires whose events have ids. */
  | { readonly how: "duplicate" }
  /** An event of a stream comes after the one that follows it. Few wires allow it; none that is known to this package. */
  | { readonly how: "reorder" }
);

/** A fault that happened. */
export interface Happened {
  readonly how: WireFault["how"];
  readonly request: number;
  readonly method: string;
  readonly path: string;
}

interface PlannedFault {
  readonly fault: WireFault;
  readonly index: number;
  /** How often it may still happen. */
  left: number;
}

/** Which faults happen to whom, and the log of those that did. */
export class Faults {
  readonly log: Happened[] = [];
  readonly #plan: readonly PlannedFault[];
  readonly #seed: number;

  constructor(faults: readonly WireFault[], seed: number) {
    this.#seed = seed;
    this.#plan = faults.map((fault, index) => ({
      fault,
      index,
      left: fault.times ?? Number.POSITIVE_INFINITY,
    }));
  }

  /** The faults of one request. Those of frames are drawn when the frames come. */
  of(request: ProxiedRequest): Due {
    const concerned = this.#plan.filter(({ fault }) => fault.on?.(request) ?? true);
    const framed = concerned.filter(({ fault }) => isOfFrames(fault));
    const drawn = concerned.filter(
      (planned) => !isOfFrames(planned.fault) && this.#happens(planned, request, 0),
    );
    const isDue = (how: WireFault["how"], at: number) =>
      framed.some((planned) => planned.fault.how === how && this.#happens(planned, request, at));
    return new Due(
      drawn.map(({ fault }) => fault),
      framed.length > 0,
      isDue,
    );
  }

  #happens(planned: PlannedFault, request: ProxiedRequest, at: number): boolean {
    const { fault, index, left } = planned;
    if (left <= 0 || chanceAt(this.#seed, request.number, index, at) >= (fault.chance ?? 1)) return false;
    planned.left -= 1;
    const { number, method, path } = request;
    this.log.push({ how: fault.how, request: number, method, path });
    return true;
  }
}

/** The faults of one request. */
export class Due {
  readonly changesFrames: boolean;
  /** The frame that comes after the next one. */
  heldBack = "";
  readonly #faults: readonly WireFault[];
  readonly #isDue: (how: WireFault["how"], at: number) => boolean;

  constructor(
    faults: readonly WireFault[],
    changesFrames: boolean,
    isDue: (how: WireFault["how"], at: number) => boolean,
  ) {
    this.#faults = faults;
    this.changesFrames = changesFrames;
    this.#isDue = isDue;
  }

  all<How extends WireFault["how"]>(how: How): readonly Extract<WireFault, { how: How }>[] {
    return this.#faults.filter((fault): fault is Extract<WireFault, { how: How }> => fault.how === how);
  }

  /** What passes in the place of a frame. */
  pass(frame: string, at: number): string {
    if (this.heldBack === "" && this.#isDue("reorder", at)) {
      this.heldBack = frame;
      return "";
    }
    const passed = this.#isDue("duplicate", at) ? frame + frame : frame;
    const late = this.heldBack;
    this.heldBack = "";
    return passed + late;
  }
}

function isOfFrames({ how }: WireFault): boolean {
  return how === "duplicate" || how === "reorder";
}
