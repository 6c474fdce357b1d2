/**
 * Replays a recorded host: recorded once, at a real service, tested for ever without it.
 *
 * Replayed are the host's events, one turn for each message and each complete set of results; tools really run.
 */

import { LoophostError } from "../core/errors.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { HostEvent, LoopEvent, Provider } from "../core/provider.ts";
import { isPassedOn } from "../core/provider.ts";
import type { Recording } from "../core/recording.ts";
import { readRecording } from "../core/recording.ts";
import { scriptedProvider } from "./scripted-provider.ts";

/**
 * Makes a provider of a recording.
 *
 * @param recording the text of a file that `recordTo` wrote, or what `readRecording` made of it
 * @throws LoophostError `invalid_options` for what is no recording
 */
export function replayProvider(recording: string | Recording): Provider {
  const { head, entries } = typeof recording === "string" ? readRecording(recording) : recording;
  const { name, traits } = head.provider;
  const events = entries.map(({ event }) => event);
  const interrupts = interruptsOf(events);
  const script = scriptedProvider({
    ...traits,
    turns: turnsOf(events),
    onSend(inputs) {
      if (!inputs.some(({ type }) => type === "interrupt")) return;
      const end = interrupts.shift();
      // Asynchronous, as a real host: it stops after it was told to.
      if (end !== undefined) queueMicrotask(() => script.emit(end));
    },
  });
  return {
    name,
    traits,
    open: async (request) => {
      const emit = (event: HostEvent) => {
        // The script begins each turn; a host that fails at once began none.
        if (event.type !== "turn.began" || "raw" in event) request.emit(event);
      };
      const connection = await script.open({ ...request, emit });
      return { ...connection, sessionId: request.sessionId ?? head.sessionId };
    },
  };
}

/** What the host said, in turns. */
function turnsOf(events: readonly SessionEvent[]): HostEvent[][] {
  const turns: HostEvent[][] = [];
  /** Calls of ours, and what waits for an answer of this turn. */
  const ours = new Set<string>();
  let needs: string[] = [];
  let isOpen = false;
  const say = (event: HostEvent) => turns.at(-1)?.push(event);
  for (const event of events) {
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the rest is passed on, or was said by this side
    switch (event.type) {
      case "turn.started":
        // A turn that begins while another is open was started by the host alone.
        if (!isOpen) turns.push([]);
        say({ type: "turn.began", raw: event.raw, thread: event.thread });
        isOpen = true;
        break;
      case "tool.called":
        ours.add(event.id);
        needs.push(event.id);
        say(callOf(event));
        break;
      case "approval.requested":
        if (ours.has(event.id)) break; // asked by this side
        needs.push(event.id);
        say({ ...event, type: "verdict.needed" });
        break;
      case "turn.ended": {
        const { ending, stopReason, details, raw } = event;
        say({ type: "turn.done", ending, stopReason, details, raw, needs });
        needs = [];
        isOpen = false;
        break;
      }
      case "run.failed":
        if (!event.code.startsWith("host_")) break;
        if (!isOpen) turns.push([]);
        say(failureOf(event.code, event.message));
        isOpen = false;
        break;
      case "run.ended":
        isOpen = false;
        break;
      case "model.asked":
        say(event);
        break;
      default:
        if (isPassedOn(event)) say(event);
    }
  }
  return turns;
}

/** What the host said to each interrupt that came between turns, while tools ran. */
function interruptsOf(events: readonly SessionEvent[]): LoopEvent[] {
  return events.flatMap((event, index) => {
    if (event.type !== "run.ended" || event.ending !== "interrupted") return [];
    const turn = events.findLast((one, at) => at < index && one.type === "turn.ended");
    if (turn?.type === "turn.ended" && turn.ending === "interrupted") return [];
    const { ending, stopReason, details } = event;
    return [{ type: "turn.done", ending, stopReason, details }];
  });
}

function callOf({ id, name, input, raw, thread }: Extract<SessionEvent, { type: "tool.called" }>): LoopEvent {
  return { type: "call", id, name, input, raw, thread };
}

function failureOf(code: ErrorCode, message: string): LoopEvent {
  return { type: "failed", error: new LoophostError(code, message), sessionOver: false };
}
