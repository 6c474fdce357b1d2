/** An agent: plain data plus local functions. The same definition runs on every loop host. */

import type { Names } from "./check-options.ts";
import { checkNames } from "./check-options.ts";
import { LoophostError } from "./errors.ts";
import { isObject, withoutUndefined } from "./json.ts";
import { refuseOldNode } from "./old-node.ts";
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

/** Some of the limits; those left out keep their value. */
export type SomeLimits = { readonly [Name in keyof Limits]?: number | undefined };

/** The limits of an agent that names none. */
export const DEFAULT_LIMITS: Limits = {
  maxTurns: 50,
  maxParallelTools: 8,
  toolTimeoutMs: 30_000,
  runTimeoutMs: 600_000,
  maxResultChars: 100_000,
};

/** The tool a model hands in its output with. */
export const OUTPUT_TOOL: string = "submit_output";

/** How an agent is written; see `defineAgent`. */
export interface AgentDefinition<S extends Schema = Schema> {
  /** Its name, where sessions and agents are listed. */
  readonly name: string;
  /** The system prompt. */
  readonly instructions: string;
  /** The model's id, as the loop host knows it. Default: none, for a provider that brings its own model. */
  readonly model?: string | undefined;
  /** The functions of yours it may call. Default: none. */
  readonly tools?: readonly Tool[] | undefined;
  /** What bounds its runs. Default: `DEFAULT_LIMITS`. */
  readonly limits?: SomeLimits | undefined;
  /**
   * A tool the run may not end without having called: a run that would is sent back with a demand for it, up to
   * `maxReprompts` times (2 where no number of tries is given), then ends with the stop reason "no_terminal_tool". Default:
   * none.
   */
  readonly terminalTool?: string | { readonly name: string; readonly maxReprompts: number } | undefined;
  /**
   * What the run has to come to: `result.output` is then a value of this schema, or the run fails with `no_output`. What is
   * no schema is refused with `invalid_tool`. Default: none, and the text is all there is.
   */
  readonly output?: S | undefined;
}

/** What an agent's output is held to. */
export interface OutputSpec {
  readonly schema: CompiledSchema;
  /** How often a run that ends without it is sent back. */
  readonly maxReprompts: number;
}

const MAX_REPROMPTS = 2;

/** The context that some tools need together; unknown when none of them names one. */
export type ContextOf<Tools extends readonly Tool[]> = (
  Tools[number] extends infer Each
    ? Each extends Tool<infer _, infer Context>
      ? (context: Context) => void
      : never
    : never
) extends (context: infer All) => void
  ? All
  : never;

/** An agent, ready to run. `Context` is what its tools need as `context` of a session. */
export interface Agent<Output = unknown, Context = unknown> {
  readonly name: string;
  readonly instructions: string;
  readonly model: string | undefined;
  readonly tools: readonly Tool[];
  readonly limits: Limits;
  readonly terminalTool: { readonly name: string; readonly maxReprompts: number } | undefined;
  readonly output: OutputSpec | undefined;
  /** Never there: carries the type of the output. */
  readonly outputType?: Output;
  /** Never there: carries the type of the context. */
  contextType?(context: Context): void;
}

/**
 * Defines an agent.
 *
 * @throws LoophostError `invalid_agent` when the name or instructions are missing, two tools share a name, or a limit is not a positive number; `invalid_options` for a field that does not exist; `missing_dependency` on a Node older than 22.13
 */
export function defineAgent<
  const S extends Schema = never,
  const Tools extends readonly Tool[] = readonly [],
>(
  definition: AgentDefinition<S> & { readonly tools?: Tools | undefined },
): Agent<[S] extends [never] ? undefined : ValueOf<S>, ContextOf<Tools>> {
  refuseOldNode();
  if (!isObject(definition))
    throw refused("defineAgent() needs a definition, such as { name, instructions }.");
  checkNames("defineAgent()", definition, AGENT);
  const { name, instructions, model } = definition;
  const tools: readonly Tool[] = definition.tools ?? [];
  if (typeof name !== "string" || name.trim() === "") throw refused("An agent needs a name.");
  const owner = `Agent "${name}"`;
  if (typeof instructions !== "string")
    throw refused(`${owner}: instructions must be a string, the system prompt.`);
  if (model !== undefined && typeof model !== "string") {
    throw refused(
      `${owner}: model must be a model's id; a model itself is given to the provider, as local({ model }).`,
    );
  }
  if (!Array.isArray(tools)) throw refused(`${owner}: tools must be a list.`);
  const names = checkTools(tools, owner, definition.output === undefined ? [] : [OUTPUT_TOOL]);
  return {
    name,
    instructions,
    model,
    // A copy: what is added to the list later was not checked.
    tools: [...tools],
    limits: resolveLimits(DEFAULT_LIMITS, definition.limits, owner),
    terminalTool: checkTerminalTool(definition, names, owner),
    output: definition.output && {
      schema: compileSchema(definition.output, undefined, owner),
      maxReprompts: MAX_REPROMPTS,
    },
  };
}

const AGENT: Names<AgentDefinition> = {
  name: 1,
  instructions: 1,
  model: 1,
  tools: 1,
  limits: 1,
  terminalTool: 1,
  output: 1,
};

/** @param taken names of tools that the agent has of itself */
function checkTools(tools: readonly Tool[], owner: string, taken: readonly string[]): ReadonlySet<string> {
  const names = new Set(taken);
  for (const tool of tools) {
    if (!isObject(tool)) throw refused(`${owner}: a tool must be made by defineTool().`);
    if (!isObject(tool.schema)) throw refused(`${owner}: tool "${tool.name}" was not made by defineTool().`);
    if (names.has(tool.name)) throw refused(`${owner} has two tools named "${tool.name}".`);
    names.add(tool.name);
  }
  return names;
}

function checkTerminalTool(
  { terminalTool, output }: AgentDefinition,
  tools: ReadonlySet<string>,
  owner: string,
): Agent["terminalTool"] {
  if (terminalTool === undefined) return undefined;
  const terminal =
    typeof terminalTool === "string" ? { name: terminalTool, maxReprompts: MAX_REPROMPTS } : terminalTool;
  if (output !== undefined)
    throw refused(`${owner}: it has an output and a terminalTool; the output is one already.`);
  if (tools.has(terminal?.name)) return terminal;
  throw refused(`${owner}: terminalTool "${terminal?.name}" is not one of its tools.`);
}

/** Limits that count things; the others are amounts. */
const COUNTS: ReadonlySet<string> = new Set<keyof Limits>(["maxTurns", "maxParallelTools", "maxResultChars"]);

/** Lays some limits over others, checking each. */
export function resolveLimits(base: Limits, changes: SomeLimits | undefined, owner: string): Limits {
  if (changes === undefined) return base;
  if (!isObject(changes)) throw refused(`${owner}: limits must be an object, such as { maxTurns: 10 }.`);
  checkNames(`${owner}: limits`, changes, DEFAULT_LIMITS);
  for (const [name, value] of Object.entries(changes)) {
    const least = COUNTS.has(name) ? 1 : Number.MIN_VALUE;
    if (value !== undefined && !(typeof value === "number" && value >= least)) {
      throw refused(
        `${owner}: limit ${name} must be a number ${least === 1 ? "of at least 1" : "above 0"}; got ${String(value)}.`,
      );
    }
  }
  return { ...base, ...withoutUndefined(changes) };
}

function refused(message: string): LoophostError {
  return new LoophostError("invalid_agent", message);
}
