/** What goes along with every invocation of a session: overrides hold for one request, the answer to a call included. */

import type { Agent } from "../../../core/agent.ts";
import { LoophostError } from "../../../core/errors.ts";
import type { Json, JsonObject } from "../../../core/json.ts";
import { isObject } from "../../../core/json.ts";
import type { TraceContext } from "../../../core/observer.ts";
import type { HarnessName } from "../api/arn.ts";
import type { Plane } from "../api/client.ts";
import { toHostError } from "../api/host-error.ts";

/** What an invocation may override, and carry beside its messages. */
export interface InvocationOptions {
  /** The endpoint of the harness to call. Default: `DEFAULT`, its newest version. */
  readonly qualifier?: string | undefined;
  /**
   * How the agent's tools reach the harness: laid over those it was deployed with (asks the control plane once a session),
   * instead of them, or not at all, because it was deployed with them. Default "merge".
   */
  readonly tools?: "merge" | "replace" | "deployed" | undefined;
  /** The model: an id of Bedrock's, or a model configuration of the service's; null for the deployed one. Default: the agent's. */
  readonly model?: string | JsonObject | null | undefined;
  /** The system prompt; null for the deployed one. Default: the agent's instructions. */
  readonly systemPrompt?: string | null | undefined;
  /** Model calls in one invocation, at most. Default: the harness's. */
  readonly maxIterations?: number | undefined;
  /** Tokens of output in one model call, at most. Default: the harness's. */
  readonly maxTokens?: number | undefined;
  /** Seconds the service works on one invocation, at most. Default: the harness's. */
  readonly timeoutSeconds?: number | undefined;
  /** The user the service acts for. Default: none. */
  readonly userId?: string | undefined;
  /** Whose memory it is. Default: nobody's. */
  readonly actorId?: string | undefined;
  /** Trace headers, as W3C and X-Ray write them; a function is asked before every request. Default: none. */
  readonly trace?: TraceHeaders | (() => TraceHeaders) | undefined;
}

/** Trace headers. */
export interface TraceHeaders {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  readonly baggage?: string | undefined;
  readonly xrayTraceId?: string | undefined;
}

const MAX_DESCRIPTION = 4_096;
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,61}$/;

/**
 * The agent's tools as functions the service hands back.
 *
 * @throws LoophostError `invalid_tool` for what the service would refuse
 */
export function toInlineFunctions({ tools }: Agent): JsonObject[] {
  return tools.map(({ name, description, schema }) => {
    if (!TOOL_NAME.test(name))
      throw new LoophostError(
        "invalid_tool",
        `Tool "${name}": AgentCore takes names of up to 61 characters.`,
      );
    if (description.length > MAX_DESCRIPTION)
      throw new LoophostError(
        "invalid_tool",
        `Tool "${name}": AgentCore takes descriptions of up to ${MAX_DESCRIPTION} characters; this one has ${description.length}.`,
      );
    return {
      type: "inline_function",
      name,
      config: { inlineFunction: { description, inputSchema: schema.jsonSchema } },
    };
  });
}

/** What every invocation of a session carries, apart from its tools and its messages. */
export function overridesOf(agent: Agent, options: InvocationOptions): JsonObject {
  const { model = agent.model, systemPrompt = agent.instructions } = options;
  const { qualifier, maxIterations, maxTokens, timeoutSeconds, userId, actorId } = options;
  const config =
    typeof model === "string" ? { bedrockModelConfig: { modelId: model } } : (model ?? undefined);
  return {
    ...(typeof systemPrompt === "string" &&
      systemPrompt !== "" && { systemPrompt: [{ text: systemPrompt }] }),
    ...(config !== undefined && { model: config }),
    ...(userId !== undefined && { runtimeUserId: userId }),
    qualifier,
    maxIterations,
    maxTokens,
    timeoutSeconds,
    actorId,
  };
}

/** Trace headers by the SDK's names: those of the run's trace, unless others are given. */
export function traceOf({ trace }: InvocationOptions, ofRun: TraceContext): JsonObject {
  const { traceparent, tracestate, baggage, xrayTraceId }: TraceHeaders =
    (typeof trace === "function" ? trace() : trace) ?? ofRun;
  return { traceParent: traceparent, traceState: tracestate, baggage, traceId: xrayTraceId };
}

/**
 * The tools of an invocation: a list given with it replaces the deployed one, so what was deployed is given again.
 *
 * @throws LoophostError as the control plane does
 */
export async function toolsOf(
  functions: readonly JsonObject[],
  { tools = "merge", qualifier }: InvocationOptions,
  harness: HarnessName,
  control: Plane,
  signal: AbortSignal,
): Promise<JsonObject> {
  if (functions.length === 0 || tools === "deployed") return {};
  if (tools === "replace") return { tools: functions };
  const deployed = await readDeployed(harness, qualifier, control, signal);
  const names = new Set<unknown>(functions.map(({ name }) => name));
  const others = deployed.tools.filter((tool) => !names.has(tool["name"]));
  return { tools: [...others, ...functions], ...admitting(deployed.allowed, functions) };
}

/** A list that names a function plainly withholds it: it has to be let in under any server's name too. */
export function admitting(
  allowed: readonly string[] | undefined,
  functions: readonly JsonObject[],
): JsonObject {
  if (allowed === undefined || allowed.includes("*")) return {};
  const ours = functions.flatMap(({ name }) => (typeof name === "string" ? [name] : []));
  return { allowedTools: [...new Set([...allowed, ...ours.map((name) => `@*/${name}`), ...ours])] };
}

async function readDeployed(
  { id }: HarnessName,
  qualifier: string | undefined,
  control: Plane,
  signal: AbortSignal,
): Promise<{ readonly tools: readonly JsonObject[]; readonly allowed: readonly string[] | undefined }> {
  const doing = "Reading the tools the harness was deployed with";
  try {
    const version = qualifier === undefined ? undefined : await versionOf(id, qualifier, control, signal);
    const { harness } = await control.send("GetHarness", { harnessId: id, harnessVersion: version }, signal);
    const { tools, allowedTools } = isObject(harness) ? harness : {};
    return {
      tools: plainTools(tools),
      allowed: Array.isArray(allowedTools) ? allowedTools.map(String) : undefined,
    };
  } catch (thrown) {
    const error = toHostError(thrown, doing);
    const { code, message, status, hostCode, requestId } = error;
    throw new LoophostError(
      code,
      `${message} Without rights to the control plane pass tools: "replace" or "deployed".`,
      { status, hostCode, requestId },
    );
  }
}

/** A copy that is plain JSON: what the SDK made of it goes back over the same wire. */
function plainTools(tools: unknown): JsonObject[] {
  const plain: unknown = JSON.parse(JSON.stringify(tools ?? []));
  return Array.isArray(plain) ? plain.filter((tool): tool is JsonObject => isObject(tool)) : [];
}

async function versionOf(
  harnessId: string,
  endpointName: string,
  control: Plane,
  signal: AbortSignal,
): Promise<Json | undefined> {
  const { endpoint } = await control.send("GetHarnessEndpoint", { harnessId, endpointName }, signal);
  const live = isObject(endpoint) ? endpoint["liveVersion"] : undefined;
  return typeof live === "string" ? live : undefined;
}
