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
  /** Which requests it may happen to; asked once for each. Default: all. */
  readonly on?: ((request: ProxiedRequest) => boolean) | undefined;
  /** How likely it is, from 0 to 1; for frames, of each frame. Default 1. */
  readonly chance?: number | undefined;
  /** How often it happens at most. Default: no limit. */
  readonly times?: number | undefined;
} & (RequestFault | ReplyFault | FrameFault);

/** What happens to a request. */
type RequestFault =
  /** The connection breaks before the server hears of it. */
  | { readonly how: "lose request" }
  | {
      /** The server gets the request and does it; its reply is lost with the connection. */
      readonly how: "lose reply";
      /** The connection breaks first, and the server gets the request so much later. Default: it breaks at the reply. */
      readonly lateMs?: number | undefined;
    }
  | {
      /** The request waits before it is passed on, or its reply does. */
      readonly how: "delay";
      readonly ms: number;
      /** Default "request". */
      readonly of?: "request" | "reply" | undefined;
    }
  | {
      /** The proxy answers instead of the server, which never hears of it. */
      readonly how: "refuse";
      readonly status: number;
      /** Sent as `retry-after-ms`. Default: no such header. */
      readonly retryAfterMs?: number | undefined;
      /** Sent with the refusal, such as `{ "retry-after": "2" }`. */
      readonly headers?: Readonly<Record<string, string>> | undefined;
    };

/** What happens to the bytes of a reply. A reply that is shorter is spared. */
interface ReplyFault {
  /** When so many bytes have passed, the connection breaks; or it stays open, and nothing more comes. */
  readonly how: "cut" | "stall";
  readonly afterBytes: number;
}

/** What happens to an event of a stream. */
type FrameFault =
  /** It comes twice. Only for wires whose events have ids. */
  | { readonly how: "duplicate" }
  | {
      /** It comes late, after events that follow it. Few wires allow it; none that is known to this package. */
      readonly how: "reorder";
      /** How many come before it. Default 1. */
      readonly by?: number | undefined;
    }
  | {
      /** It waits, and so does all that follows it. */
      readonly how: "lag";
      readonly ms: number;
    };

/** A fault that happened. */
export interface CrashEvent {
  readonly how: WireFault["how"];
  readonly request: number;
  readonly method: string;
  readonly path: string;
  /** As it was planned. */
  readonly fault: WireFault;
}

interface PlannedFault {
  readonly fault: WireFault;
  readonly index: number;
  /** How often it may still happen. */
  left: number;
}

type FaultOf<How extends WireFault["how"]> = Extract<WireFault, { how: How }>;
type FrameHow = FrameFault["how"];

/** Which faults happen to whom, and the log of those that did. */
export class Faults {
  readonly log: CrashEvent[] = [];
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
      (planned) => !isOfFrames(planned.fault) && this.#isDrawn(planned, request, 0),
    );
    const { number, method, path } = request;
    return new Due({
      faults: drawn.map(({ fault }) => fault),
      changesFrames: framed.length > 0,
      draw: (how, at) =>
        framed.find((planned) => planned.fault.how === how && this.#isDrawn(planned, request, at))?.fault,
      note: (fault) => void this.log.push({ how: fault.how, request: number, method, path, fault }),
    });
  }

  #isDrawn(planned: PlannedFault, request: ProxiedRequest, at: number): boolean {
    const { fault, index, left } = planned;
    if (left <= 0 || chanceAt(this.#seed, request.number, index, at) >= (fault.chance ?? 1)) return false;
    planned.left -= 1;
    return true;
  }
}

interface DueSetup {
  readonly faults: readonly WireFault[];
  readonly changesFrames: boolean;
  /** Draws a fault for a frame. */
  readonly draw: (how: FrameHow, at: number) => WireFault | undefined;
  /** Writes into the log that a fault happened. */
  readonly note: (fault: WireFault) => void;
}

/** The faults of one request: looked at, then noted when they happen. */
export class Due {
  readonly changesFrames: boolean;
  readonly note: (fault: WireFault) => void;
  readonly #setup: DueSetup;
  /** The frame that comes late, and how many come before it. */
  #late: { readonly frame: string; left: number } | undefined;

  constructor(setup: DueSetup) {
    this.#setup = setup;
    this.changesFrames = setup.changesFrames;
    this.note = setup.note;
  }

  all<How extends WireFault["how"]>(how: How): readonly FaultOf<How>[] {
    return this.#setup.faults.filter((fault): fault is FaultOf<How> => fault.how === how);
  }

  /** How long a frame waits. */
  lagMs(at: number): number {
    const lag = this.#draw("lag", at);
    return lag?.how === "lag" ? lag.ms : 0;
  }

  /** What passes in the place of a frame. */
  pass(frame: string, at: number): string {
    if (this.#late === undefined) {
      const reorder = this.#draw("reorder", at);
      if (reorder?.how === "reorder") {
        this.#late = { frame, left: reorder.by ?? 1 };
        return "";
      }
    }
    const passed = this.#draw("duplicate", at) === undefined ? frame : frame + frame;
    if (this.#late === undefined) return passed;
    this.#late.left -= 1;
    return this.#late.left > 0 ? passed : passed + this.takeLate();
  }

  /** The frame that still waits for others, if any. */
  takeLate(): string {
    const { frame = "" } = this.#late ?? {};
    this.#late = undefined;
    return frame;
  }

  #draw(how: FrameHow, at: number): WireFault | undefined {
    const fault = this.#setup.draw(how, at);
    if (fault !== undefined) this.note(fault);
    return fault;
  }
}

function isOfFrames({ how }: WireFault): boolean {
  return how === "duplicate" || how === "reorder" || how === "lag";
}
