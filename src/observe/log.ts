/** Logs: one line for each fact of a session, of names and sizes and nothing that was said. */

import type { Checks } from "../core/check-options.ts";
import { checkOptions, FUNCTION, oneOf } from "../core/check-options.ts";
import { LoophostError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { About, Observer } from "../core/observer.ts";
import { resultText } from "../core/results.ts";

/** How much a line matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** A line as data. */
export interface LogRecord {
  /** ISO 8601, in UTC. */
  readonly time: string;
  readonly level: LogLevel;
  /** The type of the event. */
  readonly msg: string;
  readonly session: string;
  readonly run?: string | undefined;
  readonly agent: string;
  readonly [field: string]: string | number | boolean | undefined;
}

/** How lines are written. */
export interface LogOptions {
  /** The least that is written. Default "info". */
  readonly level?: LogLevel | undefined;
  /** One JSON object a line, or words for people. Default "json". */
  readonly format?: "json" | "text" | undefined;
  /** Further fields of each line, such as the ids of the active trace. */
  readonly fields?: ((about: About) => Readonly<Record<string, string | number | boolean>>) | undefined;
}

/**
 * Writes a line for each fact of a session: `logTo(console.error)`, or a logger's own method.
 *
 * @param write takes each line, without a line break, and the same as data
 * @throws LoophostError `invalid_options`
 */
export function logTo(write: (line: string, record: LogRecord) => void, options: LogOptions = {}): Observer {
  if (typeof write !== "function")
    throw new LoophostError("invalid_options", "logTo() needs a function that takes each line.");
  checkOptions("logTo()", options, OPTIONS);
  const { level: least = "info", format = "json", fields } = options;
  const runs = new WeakMap<About, { turn?: number; readonly startedAt: number }>();
  return {
    event(event, about) {
      if (event.type === "run.started") runs.set(about, { startedAt: about.clock.now() });
      const run = runs.get(about);
      if (event.type === "turn.started" && run !== undefined) run.turn = event.turn;
      const fact = factOf(event);
      if (fact === undefined || LEVELS.indexOf(fact[0]) < LEVELS.indexOf(least)) return;
      const [level, more] = fact;
      const own = {
        time: new Date().toISOString(),
        level,
        msg: event.type,
        session: about.sessionId,
        run: about.runId,
        agent: about.agent.name,
        turn: run?.turn,
      };
      const isOver = event.type === "run.ended" || event.type === "run.failed";
      const whole = isOver && {
        ms: run && Math.round(about.clock.now() - run.startedAt),
        observerErrors: about.observerErrors || undefined,
      };
      // Named twice, so that they come first and no metadata of the same name replaces them.
      const record: LogRecord = { ...own, ...about.metadata, ...fields?.(about), ...more, ...whole, ...own };
      // Returned: a promise that rejects is contained with what observers throw, and counted.
      return write(format === "json" ? JSON.stringify(record) : inWords(record), record);
    },
  };
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

const OPTIONS: Checks<LogOptions> = {
  level: oneOf(...LEVELS),
  format: oneOf("json", "text"),
  fields: FUNCTION,
};

type Fact = readonly [level: LogLevel, more: Readonly<Record<string, string | number | boolean | undefined>>];

/** What there is to say of an event; nothing of pieces, and nothing that was said. */
function factOf(event: SessionEvent): Fact | undefined {
  switch (event.type) {
    case "run.started":
      return ["info", {}];
    case "run.ended":
      return ["info", { terminal: event.terminal, ending: event.ending }];
    case "run.failed":
      return ["error", { code: event.code }];
    case "turn.started":
      return ["debug", {}];
    case "turn.ended":
      return ["debug", { ending: event.ending }];
    case "model.asked":
      return ["debug", { model: event.model }];
    case "usage": {
      const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = event.usage;
      const counts = { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens };
      return [event.isError === true ? "warn" : "info", { model: event.model, ...counts }];
    }
    case "tool.called":
    case "tool.started":
      return ["debug", { tool: event.name, call: event.id }];
    case "tool.finished": {
      const { name, id, durationMs, replayed, result } = event;
      const chars = resultText(result).length;
      const facts = { tool: name, call: id, ms: durationMs, chars, replayed, error: result.isError };
      return [result.isError ? "warn" : "info", facts];
    }
    case "tool.posted":
      return ["debug", { call: event.id }];
    case "approval.requested":
      return ["info", { tool: event.name, call: event.id }];
    case "run.waiting":
      return ["info", { calls: event.on.map(({ id }) => id).join(" ") }];
    case "server_tool.called":
      return ["debug", { tool: event.name, call: event.id }];
    case "server_tool.finished":
      return [event.isError ? "warn" : "info", { call: event.id, error: event.isError }];
    case "context.compacted":
      return ["info", { before: event.messagesBefore, after: event.messagesAfter }];
    case "retrying":
      return ["warn", { attempt: event.attempt, delayMs: Math.round(event.delayMs) }];
    case "stream.lost":
      return ["warn", {}];
    case "stream.restored":
      return ["info", {}];
    case "outcome.evaluated":
      return ["info", { verdict: event.verdict, iteration: event.iteration }];
    case "thread.changed":
      return ["info", { name: event.agentName, status: event.status }];
    case "message":
      return ["debug", { chars: event.text.length }];
    case "text.delta":
    case "thinking.delta":
    case "deltas.retracted":
    case "tool.progress":
    case "provider":
      return undefined;
  }
}

function inWords({ time, level, msg, ...fields }: LogRecord): string {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : `${quoted(name)}=${typeof value === "string" ? quoted(value) : value}`,
  );
  return [time, level, msg, ...pairs].join(" ");
}

/** A word on a line of its own kind: a line break or an escape sequence in a name would forge another, or speak to the terminal. */
function quoted(text: string): string {
  if (/^[!#-<>-~\u00A1-\u2027\u202A-\uFFFF]+$/.test(text)) return text;
  return JSON.stringify(text).replaceAll(/[\u007F-\u009F\u2028\u2029]/g, escaped);
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
