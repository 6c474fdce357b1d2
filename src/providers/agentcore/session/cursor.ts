/**
 * Where a session stands, as it is kept in the journal: the service tells neither what it waits for nor what it was told,
 * so whoever takes the session up elsewhere knows it from here.
 */

import type { Json, JsonObject } from "../../../core/json.ts";
import { isObject } from "../../../core/json.ts";
import type { Ending, EndingDetails, Usage } from "../../../core/results.ts";
import { NO_USAGE } from "../../../core/results.ts";
import type { Handoff, OpenUse } from "../stream/turn-reader.ts";
import type { UsedIds } from "./call-ids.ts";
import { NO_IDS } from "./call-ids.ts";

/** Where a session stands. */
export interface Standing {
  /** Messages sent, the one under way included. */
  readonly prompts: number;
  /** Since the last of them: turns begun, and tokens spent. */
  readonly turns: number;
  readonly usage: Usage;
  /** What was said in the last turn. */
  readonly text: string;
  /** What waits for an answer. */
  readonly handoff: Handoff | undefined;
  /** Whether the run that made the call was stopped, so that the call is closed before anything else is said. */
  readonly isDropped: boolean;
  /** Whether a turn is under way over there whose end only the process that reads its reply will ever see. */
  readonly isUnderWay: boolean;
  /** What tells the ids of new calls from those of old ones. */
  readonly ids: UsedIds;
  /** Whether the end of a turn was never seen, so that the session may wait for a call nobody here knows of. */
  readonly isLost: boolean;
  /** How the last turn ended, when it handed nothing off. */
  readonly end: TurnEnd | undefined;
  /** The ARN of the harness that was made for the agent, where one was. */
  readonly provisioned: string | undefined;
}

/** How a turn ended. */
interface TurnEnd {
  readonly ending: Ending;
  readonly stopReason: string;
  readonly details: EndingDetails | undefined;
}

/** What is true of a session between two turns. */
export const NOTHING_OPEN: Pick<Standing, "handoff" | "isDropped" | "isUnderWay" | "end"> = {
  handoff: undefined,
  isDropped: false,
  isUnderWay: false,
  end: undefined,
};

/** A session nothing was said in. */
const FRESH: Standing = {
  prompts: 0,
  turns: 0,
  usage: NO_USAGE,
  text: "",
  isLost: false,
  ids: NO_IDS,
  ...NOTHING_OPEN,
  provisioned: undefined,
};

/** The standing as JSON. */
export function toCursor({ handoff, end, usage, provisioned, ids, ...rest }: Standing): Json {
  const open = handoff?.open.map((use): JsonObject => ({ ...use }));
  const { code, message } = end?.details ?? {};
  return {
    v: 1,
    ...rest,
    usage: { ...usage },
    provisioned: provisioned ?? null,
    ids: { ...ids },
    handoff: handoff === undefined ? null : { assistant: handoff.assistant, open: open ?? [] },
    end: end === undefined ? null : { ...end, details: end.details === undefined ? null : { code, message } },
  };
}

/** Reads it back; what is not there, or not ours, is a session nothing is known of. */
export function fromCursor(cursor: Json | undefined): Standing {
  if (!isObject(cursor) || cursor["v"] !== 1) return FRESH;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: `toCursor` alone writes them, the rest is checked below
  const kept = cursor as unknown as Partial<Standing>;
  const { handoff, end } = cursor;
  return {
    ...FRESH,
    prompts: count(kept.prompts),
    turns: count(kept.turns),
    usage: isObject(kept.usage) ? { ...NO_USAGE, ...kept.usage } : NO_USAGE,
    text: typeof kept.text === "string" ? kept.text : "",
    handoff: isObject(handoff) ? readHandoff(handoff) : undefined,
    isDropped: kept.isDropped === true,
    isUnderWay: kept.isUnderWay === true,
    // Whoever reads it back does not read the reply that was under way.
    isLost: kept.isLost === true || kept.isUnderWay === true,
    ids: readIds(cursor["ids"]),
    end: isObject(end) && kept.end ? { ...kept.end, details: kept.end.details ?? undefined } : undefined,
  };
}

function readHandoff({ assistant, open }: Record<string, unknown>): Handoff | undefined {
  const uses = Array.isArray(open) ? open.filter(isUse) : [];
  if (uses.length === 0) return undefined;
  return { assistant: Array.isArray(assistant) ? assistant : [], open: uses };
}

function readIds(ids: unknown): UsedIds {
  const { calls, short } = isObject(ids) ? ids : {};
  return { calls: count(calls), short: Array.isArray(short) ? short.map(String) : [] };
}

function isUse(value: unknown): value is OpenUse {
  return isObject(value) && ["id", "name", "input"].every((field) => typeof value[field] === "string");
}

function count(value: unknown): number {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : 0;
}
