/** Amazon Bedrock AgentCore Harness as a loop host: one invocation per turn, over the official SDK. */

import type { RetryPolicy } from "../../core/async/retry.ts";
import type { Checks } from "../../core/check-options.ts";
import { atLeast, BOOLEAN, checkOptions, must, NAME, oneOf } from "../../core/check-options.ts";
import { systemClock } from "../../core/clock.ts";
import { isObject } from "../../core/json.ts";
import type { OpenRequest, Provider } from "../../core/provider.ts";
import { checkSessionId, newSessionId, readHarnessArn } from "./api/arn.ts";
import { Plane } from "./api/client.ts";
import type { AgentCoreConnectionOptions } from "./api/settings.ts";
import { CONNECTION } from "./api/settings.ts";
import { streamEvents } from "./api/stream.ts";
import { ENDPOINT_NAME } from "./control/endpoints.ts";
import { stopSession } from "./control/stop-session.ts";
import { HarnessConnection } from "./session/connection.ts";
import type { InvocationOptions } from "./session/invocation.ts";
import { overridesOf, toInlineFunctions, toolsOf, traceOf } from "./session/invocation.ts";
import type { SessionRules } from "./session/session-parts.ts";

/** How sessions with a harness are held. */
export interface AgentCoreOptions
  extends AgentCoreConnectionOptions, InvocationOptions, Partial<SessionRules> {
  /** The whole ARN of the harness; its region is where requests go. */
  readonly harnessArn: string;
  /** How often, and how patiently, a message is sent again that certainly was not taken. */
  readonly retry?: Partial<Record<keyof RetryPolicy, number | undefined>> | undefined;
}

/**
 * Amazon Bedrock AgentCore Harness. Sessions are opened without a request; only tools that are merged with those of the
 * harness are asked for first. AWS packages are loaded with the first request.
 *
 * @throws LoophostError `invalid_options` for options that cannot be used
 */
export function agentcore(options: AgentCoreOptions): Provider {
  checkOptions("agentcore()", options, OPTIONS, ["harnessArn"]);
  const harness = readHarnessArn(options.harnessArn);
  const data = new Plane("data", options, harness.region);
  const control = new Plane("control", options, harness.region);
  const { clock = systemClock, idleMs = IDLE_MS, qualifier } = options;
  const { handoff = "one", onInterrupt = "leave", onLostTurn = "fail", stopOnClose = false } = options;

  const open = async ({ agent, sessionId: given, cursor, emit, whenKept, signal }: OpenRequest) => {
    const sessionId = given === undefined ? newSessionId() : checkSessionId(given);
    const functions = toInlineFunctions(agent);
    const names = new Set(agent.tools.map(({ name }) => name));
    const fixed = {
      harnessArn: harness.arn,
      runtimeSessionId: sessionId,
      ...overridesOf(agent, options),
      ...(await toolsOf(functions, options, harness, control, signal)),
    };
    return new HarnessConnection({
      sessionId,
      cursor,
      emit,
      whenKept,
      clock,
      handoff,
      onInterrupt,
      onLostTurn,
      stopOnClose,
      retry: options.retry,
      hasPast: given !== undefined,
      isOurs: (name) => names.has(name),
      invoke: (messages, stop) =>
        streamEvents({
          plane: data,
          command: "InvokeHarness",
          member: "stream",
          doing: "The invocation",
          idleMs,
          clock,
          input: { ...fixed, ...traceOf(options), messages },
          signal: stop,
        }),
      stop: (stop = AbortSignal.timeout(STOP_MS)) =>
        stopSession({ plane: data, harness, qualifier, sessionId, clock, signal: stop }),
    });
  };
  return {
    name: "agentcore",
    traits: { answers: "together", history: "host", worksAlone: false },
    open,
  };
}

const IDLE_MS = 300_000;
/** How long stopping a session may hold up its closing. */
const STOP_MS = 10_000;

const COUNT = atLeast(1);

const OPTIONS: Checks<AgentCoreOptions> = {
  ...CONNECTION,
  harnessArn: NAME,
  qualifier: ENDPOINT_NAME,
  tools: oneOf("merge", "replace", "deployed"),
  model: must(
    "a model's id, a model configuration, or null",
    (value) => value === null || isObject(value) || NAME(value) === undefined,
  ),
  systemPrompt: must("a string, or null", (value) => value === null || typeof value === "string"),
  maxIterations: COUNT,
  maxTokens: COUNT,
  timeoutSeconds: COUNT,
  userId: NAME,
  actorId: NAME,
  trace: must(
    "an object of headers, or a function",
    (value) => isObject(value) || typeof value === "function",
  ),
  handoff: oneOf("one", "all"),
  onInterrupt: oneOf("leave", "stop"),
  onLostTurn: oneOf("fail", "continue"),
  stopOnClose: BOOLEAN,
  retry: must("an object", isObject),
};
