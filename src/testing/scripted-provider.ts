/** A provider that plays a script: for tests of agents, tools and the loop itself, without a host. */

import type { Names } from "../core/check-options.ts";
import { checkNames } from "../core/check-options.ts";
import type {
  Connection,
  HostEvent,
  HostInput,
  OpenRequest,
  Provider,
  ProviderTraits,
} from "../core/provider.ts";
import { isMessage } from "../core/provider.ts";

/** What the scripted host does in one turn: events in order, or a function that makes them from what it was sent. */
export type ScriptedTurn = readonly HostEvent[] | ((inputs: readonly HostInput[]) => readonly HostEvent[]);

/** How a scripted provider behaves. */
export interface Script {
  /** One per turn: the first answers the message, each further one a complete set of results. */
  readonly turns?: readonly ScriptedTurn[] | undefined;
  /** Emitted while opening with a session id, as the session's past. */
  readonly past?: readonly HostEvent[] | undefined;
  readonly answers?: ProviderTraits["answers"] | undefined;
  readonly history?: ProviderTraits["history"] | undefined;
  /** Default: true, unless `history` is "here". */
  readonly worksAlone?: boolean | undefined;
  /** Called before the host takes inputs; what it throws is what `send` rejects with. */
  readonly onSend?: ((inputs: readonly HostInput[]) => void | Promise<void>) | undefined;
  /** Called when the loop asks to look into the history for what it missed. */
  readonly onCatchUp?: ((emit: (event: HostEvent) => void) => void) | undefined;
}

/** A scripted provider, and the strings to pull. */
export interface ScriptedProvider extends Provider {
  /** Everything the host took, in order. */
  readonly sent: readonly HostInput[];
  /** Emits events as the host would. */
  emit(...events: readonly HostEvent[]): void;
  readonly closed: boolean;
}

const SCRIPT: Names<Script> = {
  turns: 1,
  past: 1,
  answers: 1,
  history: 1,
  worksAlone: 1,
  onSend: 1,
  onCatchUp: 1,
};

/** Makes a scripted provider. */
export function scriptedProvider(script: Script = {}): ScriptedProvider {
  checkNames("scriptedProvider()", script, SCRIPT);
  const sent: HostInput[] = [];
  const turns = [...(script.turns ?? [])];
  let request: OpenRequest | undefined;
  let closed = false;
  const unanswered = new Set<string>();

  const emit = (...events: readonly HostEvent[]) => {
    for (const event of events) {
      if (event.type === "call" || event.type === "verdict.needed") unanswered.add(event.id);
      else if (event.type === "call.answered") unanswered.delete(event.id);
      request?.emit(event);
    }
  };

  const play = (inputs: readonly HostInput[]) => {
    const turn = turns.shift();
    if (turn === undefined) return;
    const message = inputs.findLast(isMessage);
    if (message !== undefined) emit({ type: "input.taken", inputId: message.id });
    const events = typeof turn === "function" ? turn(inputs) : turn;
    if (events[0]?.type !== "turn.began") emit({ type: "turn.began" });
    emit(...events);
  };

  const send = async (inputs: readonly HostInput[]) => {
    await script.onSend?.(inputs);
    sent.push(...inputs);
    for (const input of inputs) if ("callId" in input) unanswered.delete(input.callId);
    const isTurn = inputs.some((input) => isMessage(input) || "callId" in input);
    // Asynchronous, as a real host: it continues after it has accepted the inputs.
    if (isTurn && unanswered.size === 0) queueMicrotask(() => play(inputs));
  };

  return {
    name: "scripted",
    traits: {
      answers: script.answers ?? "each",
      history: script.history ?? "host",
      worksAlone: script.worksAlone ?? script.history !== "here",
    },
    async open(opening): Promise<Connection> {
      request = opening;
      if (opening.sessionId !== undefined)
        emit({ type: "catchup.started" }, ...(script.past ?? []), { type: "catchup.ended" });
      return {
        sessionId: opening.sessionId ?? "scripted_1",
        send,
        catchUp: async () => script.onCatchUp?.(emit),
        transcript: () => null,
        close: async () => {
          closed = true;
        },
      };
    },
    sent,
    emit,
    get closed() {
      return closed;
    },
  };
}
