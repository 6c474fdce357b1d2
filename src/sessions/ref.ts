/** A session as its application talks to it, from any process: what it asks goes to the inbox, what it reads comes from the log. */

import type { Bus } from "../core/bus.ts";
import { BOOLEAN, checkOptions, must, oneOf, SIGNAL, STRING } from "../core/check-options.ts";
import type { Clock } from "../core/clock.ts";
import type { Engine } from "../core/engine.ts";
import { hasCode, LoophostError } from "../core/errors.ts";
import type { SessionSummary } from "../core/journal/session-index.ts";
import { isObject } from "../core/json.ts";
import type { SessionResult, ToolResult } from "../core/results.ts";
import { isContentBlock, NO_BLOCK, textResult } from "../core/results.ts";
import type { Prompt } from "../core/session.ts";
import { toInputs } from "../core/session/prompt.ts";
import type { Store } from "../core/store.ts";
import { KEPT_NAME } from "../stores/names.ts";
import { deleteSession, findSession } from "../stores/sessions.ts";
import type { Decision } from "./decisions.ts";
import { decide } from "./decisions.ts";
import type { FollowedEvent, FollowOptions } from "./follow.ts";
import { follow } from "./follow.ts";
import { isAboutRun } from "./inbox.ts";
import type { CallDecision, Item } from "./items.ts";
import { copyOf, toBody } from "./items.ts";
import { resultOf } from "./result.ts";
import { toWord } from "./words.ts";

/** What something is asked under. */
export interface Keyed {
  /** Asked twice under one key, it is done once. Default: a key of its own; of a decision, the call. */
  readonly key?: string | undefined;
}

/** How a message is sent. */
export interface MessageOptions extends Keyed {
  /** Instructions that go along with the message, and hold from there on. Where the host takes such. */
  readonly system?: string | undefined;
  /**
   * What the message does that finds a run open: "queue" (the default) waits for its end, "deny" denies the calls that wait
   * for somebody and is delivered then, "refuse" throws `session_busy`, also behind a message that waits for its run.
   */
  readonly ifOpen?: "queue" | "deny" | "refuse" | undefined;
}

/** The receipt for something asked: it is on record. */
export interface Receipt {
  /** Its number in the inbox of the session. */
  readonly item: number;
  /** Whether this was the first time its key was used. */
  readonly isNew: boolean;
}

/** The receipt for a decision about a call; for one that was decided before, of the item that decided it, and 0 where none did. */
export interface DecisionReceipt extends Receipt {
  /**
   * Whether it is the one that counts: the first one is. What `onApproval`, or a message with `ifOpen: "deny"`, decides in the moment
   * until a worker has read the inbox comes before it still.
   */
  readonly applied: boolean;
  /** The one that counts. */
  readonly decision: CallDecision;
}

/** A session, talked to from anywhere. */
export interface SessionRef {
  readonly id: string;
  /**
   * Sends a message; it is durable when this resolves, and delivered once, in order.
   *
   * @throws LoophostError `session_not_found`; `inbox_full`; `session_busy` with `ifOpen: "refuse"`; `invalid_options`
   */
  send(prompt: Prompt, options?: MessageOptions): Promise<Receipt>;
  /**
   * Allows a call that waits for approval, whether or not anybody runs the session now. The first decision holds. A call of the
   * run under way that is not on record yet is waited for, for 5 s.
   *
   * @throws LoophostError `session_not_found`; `invalid_options` for a call that is not in the session, has its result, was stopped,
   * or waits for an answer; nothing is posted then
   */
  approve(callId: string, options?: Keyed): Promise<DecisionReceipt>;
  /** Refuses a call that waits for approval; the model is told why. Throws as `approve` does. */
  deny(callId: string, options?: Keyed & { readonly why?: string | undefined }): Promise<DecisionReceipt>;
  /** Gives the result of a call of an external tool. Throws as `approve` does. */
  answer(callId: string, result: string | ToolResult, options?: Keyed): Promise<DecisionReceipt>;
  /** Stops the run that is open, in whichever process it is; without one it changes nothing. */
  interrupt(options?: Keyed): Promise<Receipt>;
  /** Every whole event on record, in order, and those that come; deltas between them. Ends when the session is deleted. */
  follow(options?: FollowOptions): AsyncIterable<FollowedEvent>;
  /**
   * The result of the last run, once it is over and no message waits; of one that waits for somebody, `requires_action`.
   *
   * @throws LoophostError what the run failed with; `session_not_found`; `aborted`
   */
  result(options?: { readonly signal?: AbortSignal | undefined }): Promise<SessionResult>;
  /** The session at a glance; undefined when there is none. */
  summary(): Promise<SessionSummary | undefined>;
  /**
   * Deletes the session: its log, its inbox and its summary. The loop host's own session, where there is one, stays.
   *
   * @throws LoophostError `session_owned` while a process runs it: interrupt() it and wait for its result() before
   */
  delete(): Promise<void>;
}

/** What a reference works with. */
export interface RefParts {
  readonly store: Store;
  readonly bus: Bus;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly pollMs: number;
}

/** Items that may wait in an inbox (backpressure): without a bound, a sender in a loop would fill the store. */
const ROOM = 1_000;
/** So many more may that others wait for: a decision that finds no room behind the messages that wait for it would be a deadlock. */
const RESERVE = 100;

/** Makes a reference to a session; nothing is looked up. */
export function sessionRef(id: string, parts: RefParts): SessionRef {
  const { store, bus, engine } = parts;

  async function post(
    key: string,
    item: Item,
    tenant: string | undefined,
    room = isAboutRun({ item }) ? ROOM + RESERVE : ROOM,
  ): Promise<Receipt> {
    const { n, isNew } = await store.inbox.post(id, { key, body: toBody(item), room });
    bus.say(id, toWord({ say: "look" }));
    // Posted is posted: told of a failure here the caller would think it is not. The sweep of a worker finds what nobody woke.
    // An activation begun for an item has read it when it ends: wakes of a retry that finds it running may be merged with it.
    await engine.wake(id, { tenant, key: `item ${n}` }).catch(() => undefined);
    return { item: n, isNew };
  }

  async function mustExist(): Promise<SessionSummary> {
    const found = await findSession(store, id);
    if (found !== undefined) return found;
    throw new LoophostError("session_not_found", `There is no session ${id}. Make it with create().`);
  }

  async function decideOn(given: Decision, key: string | undefined): Promise<DecisionReceipt> {
    checkCall(given.callId);
    const item = copyOf(given);
    const summary = await mustExist();
    const posted = (under: string) => post(under, item, summary.tenant);
    return decide(item, key, { ...parts, sessionId: id, summary, post: posted });
  }

  return {
    id,
    async send(prompt, options = {}) {
      checkOptions<MessageOptions>("send()", options, {
        key: KEPT_NAME,
        system: STRING,
        ifOpen: oneOf("queue", "deny", "refuse"),
      });
      const { key = crypto.randomUUID(), system, ifOpen } = options;
      toInputs(prompt, { system });
      const policy = ifOpen === "refuse" ? "queue" : ifOpen;
      const item = copyOf({ ask: "message", prompt, system, ifOpen: policy });
      const { status, tenant } = await mustExist();
      if (ifOpen !== "refuse") return post(key, item, tenant);
      // Idempotent: sent again it finds its own run open, and has to be told that it was posted, not that it is refused.
      const room = status === "running" || status === "waiting" ? 0 : 1;
      return post(key, item, tenant, room).catch((thrown: unknown) => {
        throw hasCode(thrown, "inbox_full") ? isBusy(id) : thrown;
      });
    },
    async approve(callId, options = {}) {
      checkOptions<Keyed>("approve()", options, { key: KEPT_NAME });
      return decideOn({ ask: "decide", callId, allow: true }, options.key);
    },
    async deny(callId, options = {}) {
      checkOptions("deny()", options, { key: KEPT_NAME, why: STRING });
      return decideOn({ ask: "decide", callId, allow: false, why: options.why }, options.key);
    },
    async answer(callId, result, options = {}) {
      checkOptions<Keyed>("answer()", options, { key: KEPT_NAME });
      const given = typeof result === "string" ? textResult(result) : result;
      // Refused only once it is in the inbox, it would hold as the first answer, and no other would be taken.
      if (!isObject(given) || !Array.isArray(given.content) || !given.content.every(isContentBlock))
        throw new LoophostError("invalid_options", `The answer is ${NO_BLOCK}.`);
      return decideOn({ ask: "answer", callId, result: given }, options.key);
    },
    async interrupt(options = {}) {
      checkOptions<Keyed>("interrupt()", options, { key: KEPT_NAME });
      const { tenant } = await mustExist();
      return post(options.key ?? crypto.randomUUID(), { ask: "interrupt" }, tenant);
    },
    follow(options = {}) {
      checkOptions<FollowOptions>("follow()", options, {
        after: must(
          "a place that follow() gave",
          (value) => Number.isSafeInteger(value) && Number(value) >= 0,
        ),
        deltas: BOOLEAN,
        untilIdle: BOOLEAN,
        signal: SIGNAL,
      });
      return follow(id, parts, options);
    },
    async result(options = {}) {
      checkOptions("result()", options, { signal: SIGNAL });
      await mustExist();
      return resultOf(id, parts, options.signal);
    },
    summary: () => findSession(store, id),
    async delete() {
      await deleteSession(store, id);
      bus.say(id, toWord({ say: "look" }));
    },
  };
}

function checkCall(callId: unknown): void {
  if (typeof callId === "string" && callId !== "") return;
  throw new LoophostError("invalid_options", "A decision needs the id of a call.");
}

function isBusy(id: string): LoophostError {
  const wayOut = 'Wait for its result(), or send with ifOpen: "queue" or "deny".';
  return new LoophostError("session_busy", `Session ${id} has a run open, or is asked for one. ${wayOut}`);
}
