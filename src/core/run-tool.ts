/**
 * Executes one call: check the input, run the tool under its deadline, make a result of whatever happens.
 *
 * Never rejects: a tool that fails is a result for the model, not an exception. And it always returns in time: a tool
 * that ignores its signal is left behind.
 */

import { onAbort } from "./abort.ts";
import type { Clock } from "./clock.ts";
import { isObject } from "./json.ts";
import type { Call } from "./loop-state.ts";
import type { ContentBlock, ToolResult } from "./results.ts";
import { textResult } from "./results.ts";
import type { Tool, ToolContext } from "./tool.ts";
import { isToolContent } from "./tool.ts";

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
export async function runTool(call: Call, run: ToolRun): Promise<ToolResult> {
  const tool = run.tools.get(call.name);
  if (tool === undefined) return textResult(unknownTool(call.name, run.tools), true);
  if (call.problem !== undefined)
    return textResult(`The input of ${call.name} could not be read: ${call.problem}. Send valid JSON.`, true);
  try {
    const checked = await tool.schema.validate(call.input);
    if (!checked.ok)
      return textResult(
        `Invalid input for ${call.name}:\n${checked.problems.map((problem) => `- ${problem}`).join("\n")}`,
        true,
      );
    const value = await executeInTime(tool, checked.value, run);
    return bounded(toResult(value), run.maxResultChars);
  } catch (thrown) {
    return textResult(describeForModel(thrown), true);
  }
}

/** Why a name is not a tool, in words that help the model pick another. */
function unknownTool(name: string, tools: ReadonlyMap<string, Tool>): string {
  return `There is no tool named "${name}". The tools are: ${[...tools.keys()].join(", ") || "none"}.`;
}

function executeInTime(tool: Tool, input: unknown, run: ToolRun): Promise<unknown> {
  const timeoutMs = tool.timeoutMs ?? run.timeoutMs;
  return new Promise((resolve, reject) => {
    const own = new AbortController();
    const giveUp = (error: Error) => {
      own.abort(error);
      reject(error);
    };
    const cancelTimer = run.clock.after(timeoutMs, () =>
      giveUp(new Error(`${tool.name} timed out after ${timeoutMs} ms`)),
    );
    const unlink = onAbort([run.signal], () => giveUp(new Error(`${tool.name} was cancelled`)));
    const settle = () => {
      cancelTimer();
      unlink();
    };
    // In a function of its own, so that a tool which throws before its first await is like one that rejects.
    const work = async () => tool.execute?.(input, { ...run.context, signal: own.signal });
    work().then(resolve, reject).finally(settle);
    own.signal.addEventListener("abort", settle, { once: true });
  });
}

function toResult(value: unknown): ToolResult {
  if (isToolContent(value)) return { content: value.content, isError: value.isError };
  if (value === undefined || value === "") return textResult("(no output)");
  if (typeof value === "string") return textResult(value);
  // Throws on cycles and bigints; undefined for a function or a symbol. Both are the tool's mistake, told as such.
  const json: string | undefined = JSON.stringify(value);
  if (json === undefined) throw new TypeError(`the tool returned a ${typeof value}, which is not JSON`);
  return textResult(json);
}

function bounded(result: ToolResult, maxChars: number): ToolResult {
  let left = maxChars;
  let cut = 0;
  const content = result.content.map((block): ContentBlock => {
    if (block.type !== "text") return block;
    const kept = block.text.length <= left ? block.text : block.text.slice(0, left);
    cut += block.text.length - kept.length;
    left -= kept.length;
    return kept === block.text ? block : { type: "text", text: kept };
  });
  if (cut === 0) return result;
  return {
    ...result,
    content: [
      ...content,
      { type: "text", text: `[${cut} more characters were left out; ask for less at a time]` },
    ],
  };
}

const MAX_MESSAGE_CHARS = 2_000;
/** Absolute paths under the folders where programs and people live; a model has no use for them. */
const LOCAL_PATH =
  /(?:file:\/\/)?(?:\/(?:home|Users|root|tmp|var|usr|opt|private|mnt|srv|workspace|app)|[A-Za-z]:)[\\/][^\s'"`:)]*/g;

/** What a model is told of a thrown value: the message, without stack, and without the paths of this machine. */
function describeForModel(thrown: unknown): string {
  const message = typeof thrown === "string" ? thrown : isObject(thrown) ? thrown["message"] : undefined;
  if (typeof message !== "string" || message === "")
    return `Error: the tool failed (${thrown instanceof Error ? thrown.name : typeof thrown}).`;
  const [text = ""] = message.split(/\n\s+at /, 1);
  return `Error: ${text.slice(0, MAX_MESSAGE_CHARS).replace(LOCAL_PATH, (path) => path.split(/[\\/]/).at(-1) || "…")}`;
}
