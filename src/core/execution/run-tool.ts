/**
 * Executes one call: check the input, run the tool under its deadline, make a result of whatever happens.
 *
 *   T1  never rejects: a tool that fails is a result for the model, not an exception
 *   T2  always returns in time: what ignores its signal is left behind, and a call that is cancelled is not begun
 *   T3  a result is something every host takes: bounded, with no empty text and no broken characters
 *   T4  the model gets a failure's message, never its stack, nor a path of this machine (I11)
 */

import { onAbort } from "../async/abort.ts";
import { deadline } from "../async/deadline.ts";
import type { Clock } from "../clock.ts";
import { isObject } from "../json.ts";
import type { Call } from "../loop/state.ts";
import type { ContentBlock, ToolResult } from "../results.ts";
import { textResult } from "../results.ts";
import type { IfCrashed, Tool, ToolContext } from "../tool.ts";
import { isToolContent } from "../tool.ts";

/** A call, as a tool gets it. */
export type CallToRun = Pick<Call, "name" | "input" | "problem">;

/** What a call is executed with. */
export interface ToolRun {
  readonly tools: ReadonlyMap<string, Tool>;
  readonly context: Omit<ToolContext, "signal">;
  /** Aborts the call: the run ended, or the host no longer waits for it. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly maxResultChars: number;
  readonly clock: Clock;
}

/** Executes a call. */
export async function runTool(call: CallToRun, run: ToolRun): Promise<ToolResult> {
  try {
    return presentable(await attempt(call, run), run.maxResultChars);
  } catch (thrown) {
    return textResult(describeForModel(thrown), true);
  }
}

/** Whether a call must be approved before it runs. Input that fails validation is not asked about. */
export async function needsApproval(tool: Tool, call: CallToRun, run: ToolRun): Promise<boolean> {
  if (call.problem !== undefined) return false;
  try {
    return await inTime(tool, run, async (signal) => {
      const checked = await tool.schema.validate(call.input);
      if (!checked.ok) return false;
      // Fails closed: anything but `false` needs approval, since a check may forget to return, or return a promise its
      // types overlook.
      const answer: unknown = tool.needsApproval?.(checked.value, { ...run.context, signal });
      return (await answer) !== false;
    });
  } catch {
    return true; // fail closed: a check that breaks grants nothing
  }
}

/**
 * Asks a tool's probe what became of a call that had started.
 *
 * @returns its result, or "absent" when it did not take effect, or "unknown" when the probe could not tell
 */
export async function probeTool(
  tool: Tool,
  policy: Extract<IfCrashed, object>,
  run: ToolRun,
): Promise<ToolResult | "absent" | "unknown"> {
  try {
    const found = await inTime(tool, run, async () => policy.probe(run.context.idempotencyKey));
    return found === undefined ? "absent" : presentable(toResult(found), run.maxResultChars);
  } catch {
    return "unknown";
  }
}

async function attempt(call: CallToRun, run: ToolRun): Promise<ToolResult> {
  const { name, problem } = call;
  const tool = run.tools.get(name);
  if (tool === undefined) return textResult(unknownTool(name, run.tools), true);
  if (problem !== undefined)
    return textResult(`The input of ${name} could not be read: ${problem}. Send valid JSON.`, true);
  return inTime(tool, run, (signal) =>
    onceThere(tool.schema.validate(call.input), (checked) => {
      if (!checked.ok) return textResult(invalidInput(name, checked.problems), true);
      signal.throwIfAborted();
      return onceThere(tool.execute?.(checked.value, { ...run.context, signal }), toResult);
    }),
  );
}

/** Continues with a value: at once, unless it is a promise, which would cost a microtask for each synchronous tool. */
function onceThere<T, U>(value: T | PromiseLike<T>, next: (value: T) => U | Promise<U>): U | Promise<U> {
  return isPromiseLike(value) ? Promise.resolve(value).then(next) : next(value);
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** Runs a tool's work under its timeout; work that is synchronous needs no timer. */
function inTime<T>(tool: Tool, run: ToolRun, work: (signal: AbortSignal) => T | Promise<T>): T | Promise<T> {
  if (run.signal.aborted) throw new Error(`${tool.name} was cancelled`);
  const own = new AbortController();
  const done = work(own.signal);
  return done instanceof Promise ? settleInTime(tool, run, done, own) : done;
}

/** Settles as the work does, or at its timeout; work that ignores its signal is abandoned. */
async function settleInTime<T>(tool: Tool, run: ToolRun, done: Promise<T>, own: AbortController): Promise<T> {
  const timeoutMs = tool.timeoutMs ?? run.timeoutMs;
  const tooLate = Promise.withResolvers<never>();
  const giveUp = (what: string) => {
    const error = new Error(`${tool.name} ${what}`);
    own.abort(error);
    tooLate.reject(error);
  };
  const cancelTimer = deadline(run.clock, timeoutMs, () => giveUp(`timed out after ${timeoutMs} ms`));
  const unlink = onAbort([run.signal], () => giveUp("was cancelled"));
  try {
    return await Promise.race([done, tooLate.promise]);
  } finally {
    cancelTimer();
    unlink();
  }
}

/** Why a name is not a tool, in words that help the model pick another. */
function unknownTool(name: string, tools: ReadonlyMap<string, Tool>): string {
  return `There is no tool named "${name}". The tools are: ${[...tools.keys()].join(", ") || "none"}.`;
}

const MAX_PROBLEMS = 20;
const MAX_PROBLEM_CHARS = 500;

function invalidInput(name: string, problems: readonly string[]): string {
  const shown = problems.slice(0, MAX_PROBLEMS).map((problem) => problem.slice(0, MAX_PROBLEM_CHARS));
  if (shown.length < problems.length) shown.push(`and ${problems.length - shown.length} more`);
  return [`Invalid input for ${name}:`, ...shown].join("\n- ");
}

function toResult(value: unknown): ToolResult {
  if (isToolContent(value)) return { content: value.content, isError: value.isError };
  if (value instanceof Error) throw value; // returned by mistake; as JSON it would be {}
  if (value === undefined || typeof value === "string") return textResult(value ?? "");
  return textResult(toJson(value));
}

/**
 * JSON loses what a Map, a Set or a Response holds and writes `{}`: the model would read that the tool found nothing.
 */
function refuseOpaque(_: string, value: unknown): unknown {
  if (!isObject(value) || Object.keys(value).length > 0) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return value;
  throw new TypeError(`a ${value.constructor.name || "class"}; return what is in it`);
}

function toJson(value: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value, refuseOpaque);
  } catch (cause) {
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    throw new TypeError(`the tool returned something that is not JSON${why}`, { cause });
  }
  if (json === undefined) throw new TypeError(`the tool returned a ${typeof value}, which is not JSON`);
  return json;
}

/** Makes a result fit to be sent: hosts refuse a text that is empty, or that was cut in the middle of a character. */
function presentable(result: ToolResult, maxChars: number): ToolResult {
  let left = maxChars;
  let cut = 0;
  const fit = (text: string): string => {
    const kept = copied(text, left);
    cut += text.length - kept.length;
    left -= kept.length;
    return kept;
  };
  const content = result.content.flatMap((block): readonly ContentBlock[] => {
    if (block.type === "text") return present({ ...block, text: fit(block.text) }, "text");
    if (block.type === "search_result") {
      const [source, title] = [fit(block.source), fit(block.title)];
      return present({ ...block, source, title, text: fit(block.text) }, "text");
    }
    const titled = "title" in block ? { ...block, title: fit(block.title ?? "") || undefined } : block;
    if (!("data" in titled && titled.mediaType.startsWith("text/"))) return [titled];
    return present({ ...titled, data: fit(titled.data) }, "data");
  });
  if (cut > 0)
    content.push({ type: "text", text: `[${cut} more characters were left out; ask for less at a time]` });
  if (content.length === 0) content.push({ type: "text", text: "(no output)" });
  return { ...result, content };
}

/** A block, unless its only content is empty. */
function present<B extends ContentBlock>(block: B, field: keyof B): readonly B[] {
  return block[field] === "" ? [] : [block];
}

const MAX_MESSAGE_CHARS = 2_000;

/** How a path of this machine begins: under the folders where programs and people live. */
const PATH_START =
  String.raw`(?:file:\/\/\/?(?:[A-Za-z]:)?|(?<![\w.-])(?:[A-Za-z]:[\\/]|\\\\[\w.-]+\\|` +
  String.raw`\/(?:app|etc|home|mnt|nix|opt|private|root|srv|tmp|usr|var|workspace|Users|Volumes)\/))`;
/** First what looks like one and is not: URLs, and request lines. Then paths; in quotes they may have spaces. */
const LOCAL_PATH = new RegExp(
  String.raw`(\b(?!file:)\w[\w+.-]+:\/\/[^\s'"\x60]*|\b(?:GET|HEAD|POST|PUT|PATCH|DELETE) \S+)|` +
    String.raw`(?<=(['"\x60]))${PATH_START}[^\n]*?(?=\2)|${PATH_START}[^\s'"\x60:)]*`,
  "g",
);

/** What a model is told of a thrown value. Contained: one with a getter that throws would fail the run in place of the call. */
function describeForModel(thrown: unknown): string {
  try {
    const message = typeof thrown === "string" ? thrown : isObject(thrown) ? thrown["message"] : undefined;
    if (typeof message !== "string" || message === "")
      return `Error: the tool failed (${thrown instanceof Error ? thrown.name : typeof thrown}).`;
    const [text = ""] = copied(message, MAX_MESSAGE_CHARS).split(/\n\s+at /, 1);
    return `Error: ${text.replaceAll(LOCAL_PATH, fileName)}`;
  } catch {
    return "Error: the tool failed.";
  }
}

/**
 * The beginning of a text as a text of its own, in whole characters. A slice is a view in V8, and keeps all of what it was cut from in
 * memory: the few characters kept of a page or a log would leak the rest for as long as the session.
 */
function copied(text: string, maxChars: number): string {
  return ` ${text.slice(0, maxChars)}`.slice(1).toWellFormed();
}

function fileName(path: string, noPath: string | undefined): string {
  return noPath ?? (path.split(/[\\/]/).at(-1) || "…");
}
