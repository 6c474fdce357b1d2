/**
 * Runs the checks against a server, one after the other, and reports what each came to.
 *
 *   C1  a check that breaks in any way is a verdict, never the end of the run
 *   C2  cleanup: what a check created is deleted before the next one starts, what the run created at its end, also when it is aborted
 *   C3  no report holds the key (I11)
 */

import { onAbort } from "../core/async/abort.ts";
import { contained } from "../core/async/contained.ts";
import type { Names } from "../core/check-options.ts";
import { checkNames } from "../core/check-options.ts";
import { systemClock } from "../core/clock.ts";
import { LoophostError, messageOf } from "../core/errors.ts";
import type { ConformanceCheck, Evidence, ConformanceTier } from "./check.ts";
import { Inapplicable, Mismatch, NotTried } from "./check.ts";
import { conformanceChecks } from "./checks/all.ts";
import { at } from "./expect.ts";
import { TestClient, RunFixtures } from "./test-client.ts";
import type { ConformanceAuth, Reply, WireOptions } from "./wire.ts";
import { deadline, NO_REPLY, Wire } from "./wire.ts";

/** How a run is made. */
export interface ConformanceOptions {
  /** Where the server is, without `/v1`. */
  readonly baseUrl: string;
  /** The key of the server. Default: none, for servers that need no key. */
  readonly apiKey?: string | undefined;
  /** How the key is sent where a check is not about that. Default "bearer". */
  readonly auth?: ConformanceAuth | undefined;
  /** The model id of the agents that are made. Default "claude-sonnet-5-5". */
  readonly model?: string | undefined;
  /** The highest tier to ask for. Default 3; what a server does not have is skipped. */
  readonly tier?: ConformanceTier | undefined;
  /** Only these checks: ids, or whole areas. */
  readonly only?: readonly string[] | undefined;
  /** Not these checks: ids, or whole areas. */
  readonly skip?: readonly string[] | undefined;
  /** Whether a model that did not do as told fails its check, rather than skip it. Default false. */
  readonly strict?: boolean | undefined;
  /** Milliseconds a check may take. Default 60 000. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds a stream may be silent, beyond `timeoutMs`. Default 20 000. */
  readonly silenceMs?: number | undefined;
  /** Instead of the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** Ends the run; it rejects with `aborted` once it has tidied up. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each check. What it throws is ignored. */
  readonly onCheck?: ((verdict: ConformanceResult) => void) | undefined;
}

/** What a check came to. */
export interface ConformanceResult extends Omit<ConformanceCheck, "run"> {
  /** `absent` is an extension that is not there; `not_tried` is a check whose set-up failed, which says nothing of its rule. */
  readonly outcome: "pass" | "fail" | "skip" | "absent" | "not_tried";
  /** What was expected, what it was skipped for, or what could not be set up; undefined when it passed. */
  readonly whyNot: string | undefined;
  /** What was sent, and what came, where it or its set-up failed. */
  readonly sent: string | undefined;
  readonly came: string | undefined;
  readonly ms: number;
}

/** What a run came to. */
export interface ConformanceReport {
  readonly baseUrl: string;
  readonly checks: readonly ConformanceResult[];
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** How many could not be tried, since their set-up failed. */
  readonly notTried: number;
  /** The ids of the extensions the server has. */
  readonly extensions: readonly string[];
  /** The paths of what was created and could not be deleted. */
  readonly left: readonly string[];
  readonly ms: number;
}

const CLEAR_WITHIN_MS = 20_000;
const GRACE_MS = 50;

const OPTIONS: Names<ConformanceOptions> = {
  baseUrl: 1,
  apiKey: 1,
  auth: 1,
  model: 1,
  tier: 1,
  only: 1,
  skip: 1,
  strict: 1,
  timeoutMs: 1,
  silenceMs: 1,
  fetch: 1,
  signal: 1,
  onCheck: 1,
};

/**
 * Runs the checks.
 *
 * @throws LoophostError `invalid_options` for an address, area or id that is none; `host_unreachable`, `host_rejected` and `host_protocol` when the server cannot be reached, refuses the key, or speaks something else; `aborted`
 */
export async function runConformance(options: ConformanceOptions): Promise<ConformanceReport> {
  checkNames("runConformance()", options, OPTIONS);
  checkAddress(options.baseUrl);
  const { baseUrl, signal, timeoutMs = 60_000, silenceMs = 20_000, onCheck } = options;
  const chosen = chooseChecks(options);
  const wireOptions: WireOptions = {
    baseUrl,
    apiKey: options.apiKey,
    auth: options.auth ?? "bearer",
    fetch: options.fetch ?? fetch,
  };
  const startedAt = performance.now();
  const limited = async <T>(
    ms: number,
    work: (wire: Wire) => Promise<T>,
    outer?: AbortSignal,
  ): Promise<T> => {
    const limit = deadline(ms, outer);
    try {
      return await work(new Wire(wireOptions, limit.signal));
    } finally {
      limit.abort();
    }
  };
  const greet = (what: string) =>
    limited(timeoutMs, (wire) => mustLetUsIn(wire, what), signal).catch((thrown: unknown) => {
      throw signal?.aborted ? aborted(signal) : thrown;
    });
  // Cleanup continues when the run is aborted.
  const tidyUp = (work: (wire: Wire) => Promise<void>) =>
    limited(CLEAR_WITHIN_MS, work).catch(() => undefined);

  await greet(baseUrl);
  const fixtures = new RunFixtures(options.model ?? "claude-sonnet-5-5", silenceMs);
  const verdicts: ConformanceResult[] = [];
  for (const check of chosen) {
    if (signal?.aborted) break;
    const made: string[] = [];
    const attend = (wire: Wire) =>
      judge(check, new TestClient(wire, fixtures, made, check.area), options.strict ?? false);
    const maxMs = timeoutMs + (check.needs === "silence" ? silenceMs : 0);
    const verdict = await limited(maxMs, attend, signal);
    await tidyUp((wire) => fixtures.clear(wire, made));
    if (signal?.aborted) break;
    if (verdict.came?.startsWith(NO_REPLY)) await greet(`After ${check.id} ${baseUrl}`);
    verdicts.push(verdict);
    contained(() => onCheck?.(verdict));
  }
  await tidyUp((wire) => fixtures.clear(wire, fixtures.made));
  if (signal?.aborted) throw aborted(signal);
  const count = (outcome: ConformanceResult["outcome"]) =>
    verdicts.filter((verdict) => verdict.outcome === outcome).length;
  return {
    baseUrl,
    checks: verdicts,
    passed: count("pass"),
    failed: count("fail"),
    skipped: count("skip"),
    notTried: count("not_tried"),
    extensions: verdicts
      .filter(({ kind, outcome }) => kind === "extension" && outcome === "pass")
      .map(({ id }) => id),
    left: fixtures.left,
    ms: performance.now() - startedAt,
  };
}

function checkAddress(baseUrl: string | undefined = ""): void {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const problem = !/^https?:$/.test(url?.protocol ?? "")
    ? "is not an address such as http://127.0.0.1:4100"
    : /\/v1\/*$/.test(url?.pathname ?? "")
      ? "ends in /v1, which every request adds. Leave it out"
      : undefined;
  if (problem !== undefined)
    throw new LoophostError("invalid_options", `The base URL ${JSON.stringify(baseUrl)} ${problem}.`);
}

function chooseChecks({ only, skip = [], tier = 3 }: ConformanceOptions): readonly ConformanceCheck[] {
  const names = new Set(conformanceChecks.flatMap(({ id, area }) => [id, area]));
  const unknown = [...(only ?? []), ...skip].find((name) => !names.has(name));
  if (unknown !== undefined)
    throw new LoophostError("invalid_options", `There is no check and no area "${unknown}".`);
  return conformanceChecks.filter(
    (check) => check.tier <= tier && (only === undefined || isIn(only, check)) && !isIn(skip, check),
  );
}

function isIn(list: readonly string[], { id, area }: ConformanceCheck): boolean {
  return list.includes(id) || list.includes(area);
}

function aborted({ reason }: AbortSignal): LoophostError {
  return new LoophostError("aborted", "The run of the checks was aborted.", { cause: reason });
}

/**
 * Fails early: a server that is not reachable, refuses the key or is another kind of server would fail every check for
 * the same reason.
 */
async function mustLetUsIn(wire: Wire, baseUrl: string): Promise<void> {
  const listOf = (collection: string) =>
    wire.get(`/v1/${collection}?limit=1`).catch((thrown: unknown) => {
      const came = thrown instanceof Mismatch ? thrown.came : messageOf(thrown);
      throw new LoophostError("host_unreachable", `${baseUrl} cannot be reached: ${came}.`, {
        cause: thrown,
      });
    });
  const reply = await listOf("sessions");
  const { status } = reply;
  if (status === 401 || status === 403)
    throw new LoophostError(
      "host_rejected",
      `${baseUrl} refuses the key with ${status}. Pass the right one, and how to send it.`,
      { status },
    );
  // Either will do: one of them may be what the checks are to find.
  if (speaksTheWire(reply) || speaksTheWire(await listOf("agents"))) return;
  throw new LoophostError(
    "host_protocol",
    `${baseUrl} does not speak the wire of Claude Managed Agents: ${reply.sent} was answered with ${wire.show(reply.came)}. Check the address.`,
    { status },
  );
}

/** Whether a reply is a list or an error as the wire has them. */
function speaksTheWire({ body }: Reply): boolean {
  return Array.isArray(at(body, "data")) || at(body, "type") === "error";
}

async function judge(
  { run, ...check }: ConformanceCheck,
  client: TestClient,
  isStrict: boolean,
): Promise<ConformanceResult> {
  const startedAt = performance.now();
  const show = (text: string | undefined) => (text === undefined ? undefined : client.wire.show(text));
  const verdict = (
    outcome: ConformanceResult["outcome"],
    whyNot?: string,
    evidence?: Evidence,
  ): ConformanceResult => ({
    ...check,
    outcome,
    whyNot: show(whyNot),
    sent: show(evidence?.sent),
    came: show(evidence?.came),
    ms: performance.now() - startedAt,
  });
  const { promise: late, reject } = Promise.withResolvers<never>();
  // A backstop: a check that times out has a better message of its own.
  const unlink = onAbort([client.wire.signal], (reason) => systemClock.after(GRACE_MS, () => reject(reason)));
  try {
    await Promise.race([run(client), late]);
    return verdict("pass");
  } catch (thrown) {
    const failed = check.kind === "extension" ? "absent" : "fail";
    if (thrown instanceof Inapplicable)
      return verdict(thrown.isOfModel && isStrict ? failed : "skip", thrown.message);
    if (thrown instanceof NotTried) return verdict("not_tried", thrown.message, thrown);
    if (thrown instanceof Mismatch) return verdict(failed, thrown.message, thrown);
    if (client.wire.signal.aborted) return verdict(failed, "expected an end in time");
    return verdict(failed, `the check itself broke: ${messageOf(thrown)}`);
  } finally {
    unlink();
  }
}
