/** An agent: plain data plus local functions. The same definition runs on every loop host. */

import { LoophostError } from "./errors.ts";
import type { CompiledSchema, Schema, ValueOf } from "./schema.ts";
import { compileSchema } from "./schema.ts";
import type { Tool } from "./tool.ts";

/** The bounds of a run. Every one has a default; `Infinity` switches a bound off. */
export interface Limits {
  /** Turns in one run; the run fails with `max_turns_exceeded` when it would need more. Default 50. */
  readonly maxTurns: number;
  /** Tools executing at once; further calls wait their turn. Default 8. */
  readonly maxParallelTools: number;
  /** Milliseconds a tool has for one call. Default 30 000. */
  readonly toolTimeoutMs: number;
  /** Milliseconds a run has, from `send` to its end. Default 600 000. */
  readonly runTimeoutMs: number;
  /** Characters of text a tool result may have; the rest is cut off and the model is told so. Default 100 000. */
  readonly maxResultChars: number;
}

/** The limits of an agent that names none. */
export const DEFAULT_LIMITS: Limits = {
  maxTurns: 50,
  maxParallelTools: 8,
  toolTimeoutMs: 30_000,
  runTimeoutMs: 600_000,
  maxResultChars: 100_000,
};

/** How an agent is written; see `defineAgent`. */
export interface AgentDefinition<S extends Schema = Schema> {
  readonly name: string;
  /** The system prompt. */
  readonly instructions: string;
  /** The model's id, as the loop host knows it. Optional where the provider brings its own model. */
  readonly model?: string | undefined;
  readonly tools?: readonly Tool[] | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /**
   * A tool the run may not end without having called: a run that would is sent back with a demand for it, up to
   * `maxReprompts` times (default 2), then ends with the stop reason "no_terminal_tool".
   */
  readonly terminalTool?: string | { readonly name: string; readonly maxReprompts: number } | undefined;
  /** What the run has to come to: `result.output` is then a value of this schema, or the run fails with `no_output`. */
  readonly output?: S | undefined;
}

/** What an agent's output is held to. */
export interface OutputSpec {
  readonly schema: CompiledSchema;
  /** How often a run that ends without it is sent back. */
  readonly maxReprompts: number;
}

const MAX_REPROMPTS = 2;

/** An agent, ready to run. */
export interface Agent<Output = unknown> {
  readonly name: string;
  readonly instructions: string;
  readonly model: string | undefined;
  readonly tools: readonly Tool[];
  readonly limits: Limits;
  readonly terminalTool: { readonly name: string; readonly maxReprompts: number } | undefined;
  readonly output: OutputSpec | undefined;
  /** Never there: carries the type of the output. */
  readonly outputType?: Output;
}

/**
 * Defines an agent.
 *
 * @throws LoophostError `invalid_agent` when the name or instructions are missing, two tools share a name, or a limit is not a positive number
 */
export function defineAgent<const S extends Schema = never>(
  definition: AgentDefinition<S>,
): Agent<[S] extends [never] ? undefined : ValueOf<S>> {
  const { name, instructions, model, tools = [] } = definition;
  if (typeof name !== "string" || name.trim() === "") {
    throw new LoophostError("invalid_agent", "An agent needs a name.");
  }
  const owner = `Agent "${name}"`;
  if (typeof instructions !== "string") {
    throw new LoophostError("invalid_agent", `${owner}: instructions must be a string, the system prompt.`);
  }
  const seen = new Set<string>();
  for (const tool of tools) {
    if (tool.schema === undefined) {
      throw new LoophostError("invalid_agent", `${owner}: tool "${tool.name}" was not made by defineTool().`);
    }
    if (seen.has(tool.name))
      throw new LoophostError("invalid_agent", `${owner} has two tools named "${tool.name}".`);
    seen.add(tool.name);
  }
  return {
    name,
    instructions,
    model,
    tools,
    limits: resolveLimits(DEFAULT_LIMITS, definition.limits, owner),
    terminalTool: checkTerminalTool(definition, seen, owner),
    output: definition.output && {
      schema: compileSchema(definition.output, undefined, owner),
      maxReprompts: MAX_REPROMPTS,
    },
  };
}

function checkTerminalTool(
  { terminalTool, output }: AgentDefinition,
  tools: ReadonlySet<string>,
  owner: string,
): Agent["terminalTool"] {
  if (terminalTool === undefined) return undefined;
  const terminal =
    typeof terminalTool === "string" ? { name: terminalTool, maxReprompts: MAX_REPROMPTS } : terminalTool;
  if (output !== undefined) {
    throw new LoophostError(
      "invalid_agent",
      `${owner} has an output and a terminalTool; the output is one already.`,
    );
  }
  if (tools.has(terminal.name)) return terminal;
  throw new LoophostError(
    "invalid_agent",
    `${owner}: terminalTool "${terminal.name}" is not one of its tools.`,
  );
}

/** Lays some limits over others, checking each. */
export function resolveLimits(base: Limits, changes: Partial<Limits> | undefined, owner: string): Limits {
  if (changes === undefined) return base;
  for (const [key, value] of Object.entries(changes)) {
    if (!(key in base)) {
      const known = Object.keys(base).join(", ");
      throw new LoophostError(
        "invalid_agent",
        `${owner}: there is no limit "${key}". The limits are: ${known}.`,
      );
    }
    if (value !== undefined && !(typeof value === "number" && value > 0)) {
      throw new LoophostError(
        "invalid_agent",
        `${owner}: limit ${key} must be a number above 0; got ${String(value)}.`,
      );
    }
  }
  return { ...base, ...withoutUndefined(changes) };
}

function withoutUndefined(changes: Partial<Limits>): Partial<Limits> {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}
