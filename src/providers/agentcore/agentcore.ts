/** Amazon Bedrock AgentCore Harness as a loop host: one invocation per turn, over the official SDK. */

import type { RetryPolicy } from "../../core/async/retry.ts";
import type { Checks } from "../../core/check-options.ts";
import { atLeast, BOOLEAN, checkOptions, must, NAME, oneOf } from "../../core/check-options.ts";
import { systemClock } from "../../core/clock.ts";
import { LoophostError } from "../../core/errors.ts";
import { checkProvisioned } from "../../core/handle.ts";
import { isObject } from "../../core/json.ts";
import type { OpenRequest, Provider } from "../../core/provider.ts";
import type { HarnessName } from "./api/arn.ts";
import { checkSessionId, newSessionId, readHarnessArn } from "./api/arn.ts";
import { Plane } from "./api/client.ts";
import type { AgentCoreConnectionOptions } from "./api/settings.ts";
import { CONNECTION, REGION } from "./api/settings.ts";
import { streamEvents } from "./api/stream.ts";
import type { ShellOptions } from "./control/artifacts.ts";
import { isArtifactsPath, shellArtifacts } from "./control/artifacts.ts";
import { ENDPOINT_NAME } from "./control/endpoints.ts";
import { ROLE } from "./control/harnesses.ts";
import type { HarnessSettings } from "./control/provisioning.ts";
import { HARNESS_HANDLES, harnessProvisioning } from "./control/provisioning.ts";
import { ControlRequests } from "./control/requests.ts";
import { stopSession } from "./control/stop-session.ts";
import { HarnessConnection } from "./session/connection.ts";
import type { InvocationOptions } from "./session/invocation.ts";
import { overridesOf, toInlineFunctions, toolsOf, traceOf } from "./session/invocation.ts";
import type { SessionRules } from "./session/session-parts.ts";
import { targetOf } from "./session/target.ts";

/** How sessions with a harness are held. */
export interface AgentCoreOptions
  extends AgentCoreConnectionOptions, InvocationOptions, Partial<SessionRules> {
  /** The whole ARN of the harness; its region is where requests go. Default: none, for sessions that are given `provisioned`. */
  readonly harnessArn?: string | undefined;
  /**
   * What harnesses that are provisioned are made of beside their agent, in the words of the service. Default: none, and
   * nothing can be provisioned.
   */
  readonly harness?: HarnessSettings | undefined;
  /** Where harnesses are provisioned. Default: the region of `harnessArn`, or what every AWS SDK finds. */
  readonly region?: string | undefined;
  /**
   * The folder of a session's machine that keeps its files, for `loophost/artifacts`; on a `sessionStorage` mount, such as
   * "/mnt/data", it outlives the machine. Default: none are kept.
   */
  readonly artifactsPath?: string | undefined;
  /**
   * How often, and how patiently, a message is sent again that certainly was not taken: tries, and waits in milliseconds.
   * Default: four tries over some seven seconds.
   */
  readonly retry?: Partial<Record<keyof RetryPolicy, number | undefined>> | undefined;
}

/**
 * Amazon Bedrock AgentCore Harness. Sessions are opened without a request; only tools that are merged with those of the
 * harness are asked for first. AWS packages are loaded with the first request.
 *
 * @throws LoophostError `invalid_options` for options that cannot be used
 */
export function agentcore(options: AgentCoreOptions): Provider {
  checkOptions("agentcore()", options, OPTIONS);
  const fixed = options.harnessArn === undefined ? undefined : readHarnessArn(options.harnessArn);
  const { clock = systemClock, harness: settings, region = fixed?.region } = options;
  if (fixed === undefined && settings === undefined)
    throw new LoophostError(
      "invalid_options",
      "agentcore() needs harnessArn, the harness to call, or harness, what one is to be made of.",
    );
  const planes = planesOf(options);
  return {
    name: "agentcore",
    traits: { answers: "together", history: "host", worksAlone: false },
    open: (request) => open(request, options, fixed, planes),
    ...(options.artifactsPath !== undefined && {
      artifacts: shellArtifacts(options.artifactsPath, shellOf(options)),
    }),
    ...(settings !== undefined && {
      provisioning: harnessProvisioning({
        requests: new ControlRequests(planes("control", region), { clock, requestMs: REQUEST_MS }),
        settings,
        overrides: { model: options.model, systemPrompt: options.systemPrompt },
        scope: JSON.stringify([region ?? "", options.controlBaseUrl ?? "", settings.executionRoleArn]),
      }),
    }),
  };
}

/** What reaching a session's shell takes of the options. */
function shellOf(options: AgentCoreOptions): ShellOptions {
  const { credentials, bearerToken, baseUrl, client, clock, harnessArn, qualifier } = options;
  return { credentials, bearerToken, baseUrl, client, clock, harnessArn, qualifier };
}

/** The planes by region, each made once: sessions share its connections. */
function planesOf(options: AgentCoreOptions): (which: "data" | "control", region?: string) => Plane {
  const made = new Map<string, Plane>();
  return (which, region) => {
    const key = `${which} ${region ?? ""}`;
    const plane = made.get(key) ?? new Plane(which, options, region);
    made.set(key, plane);
    return plane;
  };
}

async function open(
  { agent, sessionId: given, cursor, provisioned, emit, whenKept, signal, traceContext }: OpenRequest,
  options: AgentCoreOptions,
  fixed: HarnessName | undefined,
  planes: ReturnType<typeof planesOf>,
): Promise<HarnessConnection> {
  const { clock = systemClock, idleMs = IDLE_MS, qualifier } = options;
  const { handoff = "one", onInterrupt = "leave", onLostTurn = "fail", stopOnClose = false } = options;
  await checkProvisioned(agent, HARNESS_HANDLES, provisioned);
  const sessionId = given === undefined ? newSessionId() : checkSessionId(given);
  const { harness, isProvisioned } = targetOf({ provisioned, cursor }, fixed);
  const data = planes("data", harness.region);
  const names = new Set(agent.tools.map(({ name }) => name));
  const deployed = { model: null, systemPrompt: null, tools: "deployed" } as const;
  const sent = isProvisioned ? { ...options, ...deployed } : options;
  const fixedInput = {
    harnessArn: harness.arn,
    runtimeSessionId: sessionId,
    ...overridesOf(agent, sent),
    ...(await toolsOf(toInlineFunctions(agent), sent, harness, planes("control", harness.region), signal)),
  };
  return new HarnessConnection({
    sessionId,
    cursor,
    provisioned: isProvisioned ? harness.arn : undefined,
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
        input: { ...fixedInput, ...traceOf(options, traceContext()), messages },
        signal: stop,
      }),
    stop: (stop = AbortSignal.timeout(STOP_MS)) =>
      stopSession({ plane: data, harness, qualifier, sessionId, clock, signal: stop }),
  });
}

const IDLE_MS = 300_000;
const REQUEST_MS = 60_000;
/** How long stopping a session may hold up its closing. */
const STOP_MS = 10_000;

const COUNT = atLeast(1);

const OPTIONS: Checks<AgentCoreOptions> = {
  ...CONNECTION,
  artifactsPath: must(
    "a path of letters, digits, dots, dashes and underscores, such as /mnt/data",
    isArtifactsPath,
  ),
  harnessArn: NAME,
  harness: must(
    "an object with the ARN of a role as its executionRoleArn",
    (value) => isObject(value) && ROLE(value["executionRoleArn"]) === undefined,
  ),
  region: REGION,
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
