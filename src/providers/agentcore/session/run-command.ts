/**
 * A shell command in a session's machine: in the agent's container and its files, as root, beside the agent. Not idempotent,
 * so it is sent a second time only where it certainly did not run.
 */

import { withRetry, DEFAULT_RETRY } from "../../../core/async/retry.ts";
import type { Checks } from "../../../core/check-options.ts";
import { atLeast, checkOptions, FUNCTION, must, NAME, SIGNAL } from "../../../core/check-options.ts";
import { systemClock } from "../../../core/clock.ts";
import { LoophostError, toLoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import { checkSessionId, readHarnessArn } from "../api/arn.ts";
import { Plane } from "../api/client.ts";
import type { AgentCoreConnectionOptions } from "../api/settings.ts";
import { CONNECTION } from "../api/settings.ts";
import { streamEvents } from "../api/stream.ts";
import { ENDPOINT_NAME } from "../control/endpoints.ts";
import type { HarnessEvent } from "../stream/events.ts";

/** A command, and where it runs. */
export interface CommandOptions extends AgentCoreConnectionOptions {
  readonly harnessArn: string;
  /** The session whose machine it is; one nobody has used starts a machine of its own. */
  readonly sessionId: string;
  /** What a new bash is given, of up to 65 536 bytes. The service logs it: put no secret into it. */
  readonly command: string;
  readonly qualifier?: string | undefined;
  /** Seconds it may take, up to 3 600. Default: the service's, 300. */
  readonly timeoutSeconds?: number | undefined;
  /** Called with output as it comes, in order, and awaited. What it throws or rejects with ends the waiting, not the command. */
  readonly onOutput?: ((stream: "stdout" | "stderr", text: string) => unknown) | undefined;
  /** Bytes of output that are kept, at most. Default 16 MiB. */
  readonly maxOutputBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a command came to. One that fails is no error. */
export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  /** -1 when the service could not run it. */
  readonly exitCode: number;
  /** Whether it was ended because its time was up. */
  readonly timedOut: boolean;
}

/**
 * Runs a command in a session's machine.
 *
 * @throws LoophostError `invalid_options` before anything is sent; `reply_too_large`; `host_protocol` for a reply that ends before
 *   the command does; and as an invocation does
 */
export async function runCommand(options: CommandOptions): Promise<CommandResult> {
  checkOptions("runCommand()", options, OPTIONS, ["harnessArn", "sessionId", "command"]);
  const { command, timeoutSeconds, qualifier, onOutput, clock = systemClock, idleMs } = options;
  const harness = readHarnessArn(options.harnessArn);
  const plane = new Plane("data", options, harness.region);
  const signal = options.signal ?? new AbortController().signal;
  const request = {
    plane,
    command: "InvokeAgentRuntimeCommand",
    member: "stream",
    doing: "The command",
    // It may be silent for as long as it is allowed to take.
    idleMs: idleMs ?? ((timeoutSeconds ?? DEFAULT_SECONDS) + GRACE_SECONDS) * 1_000,
    clock,
    signal,
    input: {
      agentRuntimeArn: harness.arn,
      qualifier,
      runtimeSessionId: checkSessionId(options.sessionId),
      body: { command, timeout: timeoutSeconds },
    },
  };
  const begin = async () => {
    const events = streamEvents(request);
    return { events, first: await events.next() };
  };
  const { events, first } = await withRetry(begin, {
    policy: DEFAULT_RETRY,
    clock,
    signal,
    toError: (thrown) => toLoophostError(thrown, "host_failed", "The command"),
  });
  const output = new Output(options.maxOutputBytes ?? MAX_OUTPUT_BYTES, onOutput);
  try {
    for (let step = first; step.done !== true; step = await events.next()) await output.take(step.value);
  } finally {
    await events.return();
  }
  return output.result();
}

const DEFAULT_SECONDS = 300;
const GRACE_SECONDS = 60;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
const MAX_COMMAND_BYTES = 65_536;

const OPTIONS: Checks<CommandOptions> = {
  ...CONNECTION,
  harnessArn: NAME,
  sessionId: NAME,
  command: must(
    `a command of 1 to ${MAX_COMMAND_BYTES} bytes`,
    (value) => typeof value === "string" && value !== "" && bytesOf(value) <= MAX_COMMAND_BYTES,
  ),
  qualifier: ENDPOINT_NAME,
  timeoutSeconds: must(
    "a whole number of seconds from 1 to 3600",
    (value) => Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= 3_600,
  ),
  onOutput: FUNCTION,
  maxOutputBytes: atLeast(1),
  signal: SIGNAL,
};

/** What a command says, as it says it. */
class Output {
  #bytesLeft: number;
  readonly #maxBytes: number;
  readonly #onOutput: CommandOptions["onOutput"];
  readonly #text = { stdout: "", stderr: "" };
  #end: { readonly exitCode: number; readonly timedOut: boolean } | undefined;

  constructor(maxBytes: number, onOutput: CommandOptions["onOutput"]) {
    this.#maxBytes = maxBytes;
    this.#bytesLeft = maxBytes;
    this.#onOutput = onOutput;
  }

  /** Events have been seen inside a `chunk` and without one. */
  async take({ type, value }: HarnessEvent): Promise<void> {
    const parts: Readonly<Record<string, unknown>> = type === "chunk" ? value : { [type]: value };
    const { contentDelta, contentStop } = parts;
    if (isObject(contentDelta)) for (const name of STREAMS) await this.#add(name, contentDelta[name]);
    if (!isObject(contentStop)) return;
    const { exitCode, status } = contentStop;
    if (typeof exitCode === "number") this.#end = { exitCode, timedOut: status === "TIMED_OUT" };
  }

  result(): CommandResult {
    if (this.#end !== undefined) return { ...this.#text, ...this.#end };
    throw new LoophostError(
      "host_protocol",
      "The reply of AgentCore ended before the command did. It may have run to its end; it was not sent again.",
      { mayRetry: false },
    );
  }

  async #add(name: "stdout" | "stderr", text: unknown): Promise<void> {
    if (typeof text !== "string" || text === "") return;
    this.#bytesLeft -= bytesOf(text);
    if (this.#bytesLeft < 0)
      throw new LoophostError(
        "reply_too_large",
        `The command said more than ${this.#maxBytes} bytes. Raise maxOutputBytes, or write to a file and read it in parts.`,
        { mayRetry: false },
      );
    this.#text[name] += text;
    await this.#onOutput?.(name, text);
  }
}

const STREAMS = ["stdout", "stderr"] as const;
const ENCODER = new TextEncoder();

function bytesOf(text: string): number {
  return ENCODER.encode(text).length;
}
