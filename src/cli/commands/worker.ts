/** `loophost worker`: a process that runs the sessions of a store, with the agents of some files. */

import { once } from "node:events";
import { parseArgs } from "node:util";

import { systemClock } from "../../core/clock.ts";
import type { ServedAgent } from "../../sessions/index.ts";
import { sessions } from "../../sessions/index.ts";
import { AGENT_NOTES_HELP, checkFlags, chooseHost, withModel } from "../agent/agent-flags.ts";
import { loadAgents } from "../agent/load-agents.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT, EXIT_CODES_HELP } from "../exit.ts";
import {
  chooseEngine,
  ENGINE_OPTIONS,
  WORKER_ENGINE_OPTIONS,
  WORKER_ENGINE_OPTIONS_HELP,
} from "../sessions/engine.ts";
import { openStore, storeFile } from "../stored/open-store.ts";
import { WATCH_OPTIONS, WATCH_OPTIONS_HELP, watchBy } from "../watching.ts";
import { ActivityLog } from "../worker/activity-log.ts";
import { tryWrite, watchStore } from "../worker/store-watch.ts";

const NAME = "loophost worker";

const HELP = `loophost worker runs sessions that were made with create() of loophost/sessions, or with
loophost sessions send --agent: what any process says to one is done here, or by another worker.

Usage
  loophost worker <agents> [<agents> ...] --store <file> [options]

  <agents>  a module that exports an agent, or a folder: each file in it whose default export
            is an agent

Example
  loophost worker agent.ts --store sessions.db

Options
  --store <file>     the SQLite file, or the postgres:// address of a database, that the
                     sessions are in; it is made where it is not there. Default: LOOPHOST_STORE
  --max <number>     so many sessions at work at a time. Default: 200
  --max-per-tenant <number>
                     of one tenant. Default: no limit of its own
  --grace-ms <ms>    how long tools and replies under way are waited for when it is told to
                     stop. Default: 10000
  --port <number>    answers /healthz and /readyz on this port, 0 for any that is free
  --host <name>      the address for that. Default: 127.0.0.1, this machine only
${WORKER_ENGINE_OPTIONS_HELP}
  --provider <name>  who runs the loop: local, claude or agentcore. Default: local
  --model <id>       instead of the agents' own models; scripted: the built-in one
  --base-url <url>   where that host is, as in loophost run
  --harness <arn>    the harness, at agentcore
  --qualifier <name> the endpoint of the harness
  --json             one JSON object a line for what it does
${WATCH_OPTIONS_HELP}
  --help, -h         this text

SIGTERM or Ctrl-C drains it: it takes no more sessions, waits for tools and replies that are
under way, records them, and leaves the rest to other workers. A second one leaves at once,
which is as a crash: nothing recorded is lost or repeated. When its output cannot be written any
more it drains, too, and ends with 1. Any number of workers may run on one store.

${AGENT_NOTES_HELP}

${EXIT_CODES_HELP}
`;

/** The command. */
export const workerCommand: Command = {
  help: HELP,
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        store: { type: "string" },
        max: { type: "string" },
        "max-per-tenant": { type: "string" },
        "grace-ms": { type: "string", default: "10000" },
        port: { type: "string" },
        host: { type: "string", default: "127.0.0.1" },
        provider: { type: "string", default: "local" },
        model: { type: "string" },
        "base-url": { type: "string" },
        harness: { type: "string" },
        qualifier: { type: "string" },
        json: { type: "boolean", default: false },
        ...ENGINE_OPTIONS,
        ...WORKER_ENGINE_OPTIONS,
        ...WATCH_OPTIONS,
      },
    });
    if (positionals.length === 0) throw misuse(NAME, "Agents are missing: name a file or a folder");
    checkFlags(NAME, values, undefined);
    const maxActivations = whole("--max", values.max, 1);
    const maxPerTenant = whole("--max-per-tenant", values["max-per-tenant"], 1);
    const graceMs = whole("--grace-ms", values["grace-ms"], 0);
    const port = whole("--port", values.port, 0, 65_535);
    const file = storeFile(values.store);
    if (file === undefined) throw misuse(NAME, "No store is named; pass --store <file>");

    const loaded = await loadAgents(positionals, (line) => console.error(line));
    const agents: ServedAgent[] = [];
    const names: string[] = [];
    for (const { agent: loadedAgent } of loaded) {
      const agent = withModel(loadedAgent, values);
      const { label, provider } = await chooseHost(NAME, values, agent);
      agents.push({ agent, provider });
      names.push(`${agent.name} (${label})`);
    }

    let isUnread = false;
    process.stdout.once("error", () => (isUnread = true));
    const chosen = await chooseEngine(NAME, values, file);
    await using kept = await openStore(file);
    const log = new ActivityLog((line) => console.log(line), values.json);
    await using watching = await watchBy(values);
    await using app = sessions({
      observers: watching.observers,
      store: kept.store,
      ...chosen,
      agents,
      onEvent: (event, { sessionId }) => log.event(event, sessionId),
      onError: (error, { sessionId }) => log.error(error, sessionId),
    });
    // Fails early: a store that cannot be opened is reported at the start, not with the first session.
    const ready = () => tryWrite(kept.store);
    await ready();
    const worker = await app.work({ maxActivations, maxPerTenant });
    const answerHealth = async (at: number) => {
      const { answerHealth: answer } = await import("../worker/health-server.ts");
      return answer(at, values.host, {
        clock: systemClock,
        isAlive: () => true,
        ready: () => (signal.aborted ? Promise.reject(signal.reason) : ready()),
      });
    };
    await using health = port === undefined ? undefined : await answerHealth(port);
    console.error(describe(names, kept.file, health?.url));
    const lost = await Promise.race([
      watchStore(kept.store, systemClock, (line) => console.error(line), signal),
      signal.aborted ? undefined : once(signal, "abort").then(() => undefined),
    ]);
    if (isUnread) console.error("Nobody reads the output any more.");
    if (worker.active > 0) console.error(`Draining: ${worker.active} at work.`);
    await worker.drain({ graceMs });
    if (lost !== undefined) throw lost;
    // A supervisor restarts what failed: after a 0 a worker whose log lost its reader would stay away.
    return isUnread ? EXIT.bug : EXIT.ok;
  },
};

function whole(
  flag: string,
  text: string | undefined,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw misuse(NAME, `${flag} must be a whole number ${range}; got ${text}`);
}

function describe(names: readonly string[], file: string, url: string | undefined): string {
  const health = url === undefined ? [] : [`Health  ${url}/healthz, ${url}/readyz`];
  return [
    `Worker  process ${process.pid}, with ${names.join(", ")}`,
    `Store   ${file}`,
    ...health,
    "Ctrl-C drains it.",
  ].join("\n");
}
