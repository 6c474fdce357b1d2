// One crashed session after another, against a loop host that lives on behind a faulty network, and what came of each.

import { embeddedHost } from "loophost/server";
import { agentCoreStandIn } from "loophost/testing/agentcore";
import type { CrashReport, KillAt, ProxiedRequest, WireFault } from "loophost/testing/node";
import { crashTest, faultProxy } from "loophost/testing/node";

import { planned } from "../scenario.ts";
import { startNotingModel } from "./noting-model.ts";

export const TURNS = 10;
const MODULE = new URL("noting-session.ts", import.meta.url);
const TEXT = `sum ${Array.from({ length: TURNS * 2 }, (_, n) => n).reduce((sum, n) => sum + n)}`;

/** What is said after a turn was lost. */
export const GO_ON = "go on";
/** With a signature a proxy could not pass a request on under another address. */
export const BEARER = "jwt.of.somebody";

/** What the crashed process is told. */
export interface CrashArgs {
  readonly host: "claude" | "local" | "agentcore";
  readonly url: string;
  /** At agentcore. */
  readonly harnessArn?: string | undefined;
  readonly ifCrashed: "fail" | "rerun" | "probe";
}

/** What came of one session. */
export interface Outcome {
  readonly deaths: readonly string[];
  readonly toolsFinished: number;
  /** Against what their tool says of calls without a known end. */
  readonly runTwice: number;
  /** As their tool says. */
  readonly runAgain: number;
  readonly sentTwice: number;
  /** The run had ended, and its process was killed before anybody had the result. */
  readonly isUnheard: boolean;
  /** Turns whose end nobody can know; the session was spoken to afterwards. */
  readonly lost: number;
  /** What went wrong, in full; undefined when all is as in a session that was left in peace. */
  readonly wrong: string | undefined;
  readonly faults: number;
  readonly report: CrashReport | undefined;
}

/** A session to crash. */
export interface Crash {
  readonly host: CrashArgs["host"];
  readonly killAt: KillAt;
  /** The network's. Undefined: it works. */
  readonly faultSeed?: number | undefined;
  readonly ifCrashed?: CrashArgs["ifCrashed"] | undefined;
}

/** Crashes a session and looks at it from every side: ledger, journal, host and result. */
export async function crash({ host, killAt, faultSeed, ifCrashed = "probe" }: Crash): Promise<Outcome> {
  await using target = await STARTS[host]();
  const faults = faultSeed === undefined ? [] : FAULTS[host];
  await using proxy = await faultProxy({ target: target.url, seed: faultSeed ?? 0, faults });
  const args = { host, url: proxy.url, ifCrashed, harnessArn: target.harnessArn ?? null };
  try {
    const report = await crashTest({
      module: MODULE,
      args,
      killAt,
      execArgv: ["--conditions=loophost:source", "--disable-warning=ExperimentalWarning"],
    });
    const sentTwice = await target.sentTwice(report);
    return {
      deaths: report.deaths,
      toolsFinished: new Set(report.journal.filter(isFinished).map(({ id }) => id)).size,
      runTwice: ifCrashed === "rerun" ? 0 : report.repeated.length,
      runAgain: ifCrashed === "rerun" ? report.repeated.length : 0,
      sentTwice,
      isUnheard: report.isUnheard,
      lost: target.lost?.() ?? 0,
      wrong: findWrong({ host, report, sentTwice, ifCrashed, lost: target.lost?.() ?? 0 }),
      faults: proxy.log.length,
      report,
    };
  } catch (thrown) {
    const wrong = `${thrown instanceof Error ? thrown.message : String(thrown)} Faults: ${JSON.stringify(proxy.log)}`;
    const nothing = {
      deaths: [],
      toolsFinished: 0,
      runTwice: 0,
      runAgain: 0,
      sentTwice: 0,
      isUnheard: false,
      lost: 0,
      report: undefined,
    };
    return { ...nothing, wrong, faults: proxy.log.length };
  }
}

interface Evidence {
  readonly host: CrashArgs["host"];
  readonly report: CrashReport;
  readonly sentTwice: number;
  readonly ifCrashed: CrashArgs["ifCrashed"];
  readonly lost: number;
}

/**
 * With "fail" the model is told of calls whose end is not known, and sums up less; so it does of a call that was given
 * up. crashTest looks after the policy itself.
 */
function findWrong({ host, report, sentTwice, ifCrashed, lost }: Evidence): string | undefined {
  const { result, effects, journal, repeated } = report;
  const all = effects.map(({ note }) => Number(note)).toSorted((a, b) => a - b);
  const notes = ifCrashed === "probe" ? all : [...new Set(all)];
  const due = Array.from({ length: TURNS * 2 }, (_, n) => n);
  const { ending, text, turns, toolCalls } = result;
  const isTextRight =
    ifCrashed === "fail" ||
    wasGivenUp(journal) ||
    (text === TEXT && JSON.stringify(notes) === JSON.stringify(due));
  // What follows on a lost turn is another run, and on a machine that had to be stopped another conversation.
  const hasFailed = journal.some((entry) => isEntry(entry) && entry["type"] === "run.failed");
  const isAnother = host === "agentcore" && (lost > 0 || hasFailed);
  if (isAnother && sentTwice === 0 && ending === "completed") return undefined;
  const isRight =
    isTextRight &&
    sentTwice === 0 &&
    ending === "completed" &&
    turns === turnsOf(host) &&
    toolCalls.length === TURNS * 2;
  return isRight ? undefined : JSON.stringify({ result, notes, repeated, sentTwice, journal }, null, 1);
}

/** Every call that failed had died with three processes, and there is one: it is not started a fourth time. */
function wasGivenUp(journal: CrashReport["journal"]): boolean {
  const startsOf = (id: string) =>
    journal.filter((entry) => isEntry(entry) && entry["type"] === "call.started" && entry["id"] === id);
  const failed = journal.filter(isFinished).filter(({ result }) => result.isError === true);
  return failed.length > 0 && failed.every(({ id }) => startsOf(id).length === 3);
}

interface Target extends AsyncDisposable {
  readonly url: string;
  readonly harnessArn?: string;
  /** How many turns were lost. */
  lost?(): number;
  /** How many messages and results of ours it has more than once. */
  sentTwice(report: CrashReport): Promise<number>;
}

const STARTS: Record<CrashArgs["host"], () => Promise<Target>> = {
  claude: startHost,
  local: startModel,
  agentcore: startStandIn,
};

async function startStandIn(): Promise<Target> {
  const host = await agentCoreStandIn({ model: planned(TURNS), bearerToken: BEARER });
  const saidTo = () =>
    host.requests.filter(({ path }) => path === "/harnesses/invoke").map(({ body }) => JSON.stringify(body));
  return {
    url: host.url,
    harnessArn: host.harnessArn,
    lost: () => saidTo().filter((body) => body.includes(`"text":"${GO_ON}"`)).length,
    /** Answers that were taken twice, in one life of the machine. */
    async sentTwice() {
      let twice = 0;
      const taken = new Set<string>();
      for (const { path, isRefused, body } of host.requests) {
        if (path.endsWith("/stopruntimesession")) taken.clear();
        const ids = JSON.stringify(body).matchAll(/"toolResult":\{"toolUseId":"([^"]+)"/g);
        if (!isRefused)
          for (const [, id = ""] of ids) {
            twice += Number(taken.has(id));
            taken.add(id);
          }
      }
      return twice;
    },
    [Symbol.asyncDispose]: () => host.close(),
  };
}

async function startHost(): Promise<Target> {
  const host = embeddedHost({ model: planned(TURNS) });
  const { url } = await host.listen();
  return {
    url,
    async sentTwice({ result }) {
      const path = `${url}/v1/sessions/${result.sessionId}/events?limit=1000`;
      const { data } = (await (await fetch(path)).json()) as { data: Record<string, unknown>[] };
      const sent = data.flatMap(({ type, custom_tool_use_id: id }) =>
        type === "user.message" ? ["message"] : type === "user.custom_tool_result" ? [String(id)] : [],
      );
      return sent.length - new Set(sent).size;
    },
    [Symbol.asyncDispose]: () => host.close(),
  };
}

async function startModel(): Promise<Target> {
  const model = await startNotingModel(TURNS);
  return {
    url: model.url,
    async sentTwice({ journal }) {
      const inputs = journal.filter((entry) => isEntry(entry) && entry["isInput"] === true);
      return Math.max(0, inputs.length - 1);
    },
    [Symbol.asyncDispose]: () => model.close(),
  };
}

const isResultPost = ({ method, body }: ProxiedRequest) =>
  method === "POST" && body.includes('"user.custom_tool_result"');
const isPost = ({ method, body }: ProxiedRequest) => method === "POST" && body.includes('"user.');
const isStream = ({ path }: ProxiedRequest) => path.includes("/stream");
const refusals = [429, 500, 529].map((status): WireFault => ({
  how: "refuse",
  status,
  retryAfterMs: 5,
  chance: 0.015,
}));

/** What each wire has to stand: refusals only where asking again is ours to do, streams cut anywhere. */
const FAULTS: Record<CrashArgs["host"], readonly WireFault[]> = {
  claude: [
    ...refusals.map((fault) => ({ ...fault, on: isResultPost })),
    { how: "lose reply", on: isPost, chance: 0.08 },
    { how: "delay", ms: 5, chance: 0.1 },
    { how: "cut", on: isStream, afterBytes: 4_000, chance: 0.5, times: 2 },
    { how: "duplicate", on: isStream, chance: 0.1 },
  ],
  local: [
    ...refusals,
    { how: "lose reply", chance: 0.05 },
    { how: "delay", ms: 5, chance: 0.1 },
    { how: "cut", afterBytes: 150, chance: 0.1 },
  ],
  // What may have run is not asked again, so each of these but 429 is a turn lost.
  agentcore: [
    { how: "refuse", status: 429, retryAfterMs: 5, chance: 0.05 },
    { how: "refuse", status: 500, chance: 0.01 },
    { how: "lose reply", chance: 0.01 },
    { how: "delay", ms: 5, chance: 0.1 },
    { how: "cut", afterBytes: 300, chance: 0.02 },
  ],
};

/** AgentCore hands each call off in a turn of its own. */
function turnsOf(host: CrashArgs["host"]): number {
  return host === "agentcore" ? TURNS * 2 + 1 : TURNS + 1;
}

function isEntry(entry: unknown): entry is Record<string, unknown> {
  return typeof entry === "object" && entry !== null;
}

function isFinished(entry: unknown): entry is { id: string; result: { isError?: boolean } } {
  return isEntry(entry) && entry["type"] === "call.finished";
}
