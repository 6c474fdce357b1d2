/** A tool: a function of the user's that a model may call. The host sees its description; it always executes here. */

import type { Names } from "./check-options.ts";
import { checkNames } from "./check-options.ts";
import { LoophostError } from "./errors.ts";
import type { JsonSchema } from "./json.ts";
import { isObject } from "./json.ts";
import type { Metadata, TraceContext } from "./observer.ts";
import type { ContentBlock, ToolResult } from "./results.ts";
import { isContentBlock, NO_BLOCK } from "./results.ts";
import type { CompiledSchema, Schema, ValueOf } from "./schema.ts";
import { compileSchema } from "./schema.ts";

/** What a tool gets about the call it answers, in addition to the input. */
export interface ToolContext<Context = unknown> {
  /** Aborted when the deadline passes, the run ends early, or the session closes. */
  readonly signal: AbortSignal;
  readonly callId: string;
  readonly sessionId: string;
  /**
   * The same for every attempt at this call: pass it to the systems the tool writes to, so that a repeat has no second
   * effect.
   */
  readonly idempotencyKey: string;
  /** Whatever the caller passed as `context`; this library does not look at it. */
  readonly context: Context;
  /** The `metadata` the session was opened with. */
  readonly metadata: Metadata;
  /** Headers that continue this call's trace at the services the tool asks; empty where nobody traces. */
  readonly traceContext: TraceContext;
  /**
   * Reports progress, emitted as `tool.progress`: any JSON of at most 16 000 characters. Never throws; what is not
   * JSON, too long, or reported after the call has its result is dropped.
   */
  readonly progress: (progress: unknown) => void;
}

/**
 * What to do about a call in doubt: it had started when the process died, and has no recorded result.
 *
 * - `"fail"`: the model is told that the outcome is unknown
 * - `"rerun"`: the tool runs again, with the same idempotency key
 * - `"ask"`: the call needs approval
 * - `{ probe }`: asks your system; what it returns is the result, `undefined` means that the call did not happen, and it runs
 */
export type IfCrashed = "fail" | "rerun" | "ask" | { readonly probe: (idempotencyKey: string) => unknown };

/** How a tool is written; see `defineTool`. */
export interface ToolDefinition<S extends Schema, Context = unknown> {
  /** 1 to 128 of letters, digits, `_` and `-`. */
  readonly name: string;
  /** What the tool does and when to use it: the model reads this. */
  readonly description: string;
  /** A Standard Schema, or a JSON Schema of type "object". */
  readonly input: S;
  /** The JSON Schema to show for a schema library that cannot describe itself. Default: what the library says of itself. */
  readonly inputSchema?: JsonSchema | undefined;
  /**
   * Does the work. May return a string, any JSON value, nothing, or `toolContent(...)`; may throw, which becomes an error
   * result. Default: none, which makes the tool *external*: its calls wait for `session.answer(id, result)`.
   */
  readonly execute?: ((input: ValueOf<S>, context: ToolContext<Context>) => unknown) | undefined;
  /** Milliseconds until a call is answered with a time-out, whether or not the tool heeds its signal. Default: the agent's. */
  readonly timeoutMs?: number | undefined;
  /**
   * Whether a call must be approved first: always, or as the function says for this input, at once or later. What fails,
   * or says anything but `false`, asks. Default false.
   */
  readonly needsApproval?:
    | boolean
    | ((input: ValueOf<S>, context: ToolContext<Context>) => boolean | Promise<boolean>)
    | undefined;
  /** How many calls of this tool run at a time, at most; the agent's `maxParallelTools` bounds those of all. Default: as many. */
  readonly maxParallel?: number | undefined;
  /**
   * What to do about a call that had started when the process died, and has no recorded result. Default "fail": the model
   * is told that the outcome is unknown.
   */
  readonly ifCrashed?: IfCrashed | undefined;
}

/** A tool, ready to use. `Context` is what it needs as `context` of the session; unknown for a tool that needs none. */
export interface Tool<Input = unknown, Context = unknown> {
  readonly name: string;
  readonly description: string;
  readonly schema: CompiledSchema;
  // Methods, so that a tool of a particular input is still a Tool: inputs are validated before they get here.
  execute?(input: Input, context: ToolContext): unknown;
  needsApproval?(input: Input, context: ToolContext): boolean | Promise<boolean>;
  readonly maxParallel?: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly ifCrashed: IfCrashed;
  /** Never there: carries the type of the context. */
  contextType?(context: Context): void;
}

const NAME: RegExp = /^[A-Za-z0-9_-]{1,128}$/;

/**
 * Defines a tool; the type of `input` flows into `execute`. A context that `execute` or `needsApproval` names, as in
 * `(input, { context }: ToolContext<Tenant>) => …`, is asked for where a session is opened.
 *
 * @throws LoophostError `invalid_tool` when the name, description, schema or deadline is unusable, `invalid_options` for a field that does not exist
 */
export function defineTool<const S extends Schema, Context = unknown>(
  definition: ToolDefinition<S, Context>,
): Tool<ValueOf<S>, Context> {
  if (!isObject(definition))
    throw refused("defineTool() needs a definition, such as { name, description, input, execute }.");
  checkNames("defineTool()", definition, TOOL);
  const { name, description, execute, needsApproval, timeoutMs, maxParallel } = definition;
  if (typeof name !== "string" || !NAME.test(name)) {
    throw refused(
      `A tool's name must be 1 to 128 of letters, digits, "_" and "-"; got ${JSON.stringify(name)}.`,
    );
  }
  const owner = `Tool "${name}"`;
  if (typeof description !== "string" || description.trim() === "") {
    throw refused(`${owner} needs a description: it is all a model knows about the tool.`);
  }
  if (execute !== undefined && typeof execute !== "function") {
    throw refused(
      `${owner}: execute must be a function, or left out for a tool that is answered from outside.`,
    );
  }
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs > 0)) {
    throw refused(`${owner}: timeoutMs must be more than 0 milliseconds; got ${String(timeoutMs)}.`);
  }
  if (maxParallel !== undefined && !(Number.isInteger(maxParallel) && maxParallel > 0)) {
    throw refused(`${owner}: maxParallel must be a whole number, 1 or more; got ${String(maxParallel)}.`);
  }
  if (!["undefined", "boolean", "function"].includes(typeof needsApproval))
    throw refused(`${owner}: needsApproval must be true, false, or a function of the input.`);
  return {
    name,
    description,
    schema: compileSchema(definition.input, definition.inputSchema, owner),
    ...(execute && { execute }),
    ...(needsApproval && { needsApproval: needsApproval === true ? () => true : needsApproval }),
    ...(maxParallel && { maxParallel }),
    timeoutMs,
    ifCrashed: checkIfUnknown(definition.ifCrashed ?? "fail", owner),
  };
}

// And the `schema` of a tool that is made over, as in `defineTool({ ...tool, input, execute })`.
const TOOL: Names<ToolDefinition<Schema> & Pick<Tool, "schema">> = {
  name: 1,
  description: 1,
  input: 1,
  inputSchema: 1,
  execute: 1,
  timeoutMs: 1,
  needsApproval: 1,
  maxParallel: 1,
  ifCrashed: 1,
  schema: 1,
};

function checkIfUnknown(policy: IfCrashed, owner: string): IfCrashed {
  if (typeof policy === "object" && typeof policy?.probe === "function") return policy;
  if (policy === "fail" || policy === "rerun" || policy === "ask") return policy;
  throw refused(`${owner}: ifCrashed must be "fail", "rerun", "ask" or { probe }.`);
}

function refused(message: string): LoophostError {
  return new LoophostError("invalid_tool", message);
}

// In the global symbol registry, so that a tool made with one copy of this package is understood by another.
const CONTENT: unique symbol = Symbol.for("loophost.toolContent");

/** A tool's return value made of content blocks; see `toolContent`. */
export interface ToolContent extends ToolResult {
  readonly [CONTENT]: true;
}

/** Lets a tool return text, images and documents, or an error without throwing. */
export function toolContent(
  content: readonly ContentBlock[],
  options: { readonly isError?: boolean } = {},
): ToolContent {
  if (!content.every(isContentBlock)) throw new TypeError(NO_BLOCK);
  return { [CONTENT]: true, content, isError: options.isError ?? false };
}

/** Whether a tool's return value was made by `toolContent`. */
export function isToolContent(value: unknown): value is ToolContent {
  return isObject(value) && Object.hasOwn(value, CONTENT);
}
