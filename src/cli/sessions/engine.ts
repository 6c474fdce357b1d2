/** Which engine wakes the sessions of a store, and the bus between processes, by the flags of all commands that work on them. */

import type { Bus } from "../../core/bus.ts";
import type { Engine } from "../../core/engine.ts";
import { misuse } from "../command.ts";
import { isInDatabase } from "../stored/open-store.ts";

/** The flags, as `parseArgs` takes them. */
export const ENGINE_OPTIONS = {
  engine: { type: "string" },
  "restate-ingress": { type: "string" },
  "restate-name": { type: "string" },
} as const;

/** Those of a worker, beside them. */
export const WORKER_ENGINE_OPTIONS = {
  "restate-admin": { type: "string" },
  "restate-listen": { type: "string" },
  "restate-url": { type: "string" },
} as const;

/** The flags, as `parseArgs` gives them. */
export interface EngineFlags {
  readonly engine?: string | undefined;
  readonly "restate-ingress"?: string | undefined;
  readonly "restate-name"?: string | undefined;
  readonly "restate-admin"?: string | undefined;
  readonly "restate-listen"?: string | undefined;
  readonly "restate-url"?: string | undefined;
}

const RESTATE_NAME_HELP = `\
  --restate-name <name>
                     what sessions are called there, another one for each application that
                     shares a Restate. Default: LOOPHOST_RESTATE_NAME, or loophost`;

/** The flags as `--help` shows them. */
export const ENGINE_OPTIONS_HELP: string = `\
  --engine <name>    what wakes sessions: in-process, postgres or restate, as its workers say.
                     Default: LOOPHOST_ENGINE, or in-process
  --restate-ingress <url>
                     Restate's ingress. Default: LOOPHOST_RESTATE_INGRESS, or
                     http://127.0.0.1:8080
${RESTATE_NAME_HELP}`;

/** The flags of a worker as `--help` shows them. */
export const WORKER_ENGINE_OPTIONS_HELP: string = `\
  --engine <name>    which worker runs which session: in-process looks into the store, postgres
                     takes from a table there, restate is called by a Restate server.
                     Default: LOOPHOST_ENGINE, or in-process
  --restate-ingress <url>
                     Restate's ingress. Default: LOOPHOST_RESTATE_INGRESS, or
                     http://127.0.0.1:8080
${RESTATE_NAME_HELP}
  --restate-admin <url>
                     Restate's admin API, where this worker's address is registered.
                     Default: LOOPHOST_RESTATE_ADMIN, or nobody registers it
  --restate-listen <[host:]port>
                     where Restate reaches this worker. Default: 127.0.0.1:9080
  --restate-url <url>
                     the address that is registered, of a balancer say. Default: as listened`;

/** What `sessions()` gets. */
export interface ChosenEngine {
  readonly engine: Engine | undefined;
  readonly bus: Bus | undefined;
  readonly pollMs: number | undefined;
}

/**
 * The engine that the flags and the environment name, and the bus that goes with the store.
 *
 * @param command whose flags they are, as it is called
 * @param file where the store is, as it was given
 * @throws LoophostError `invalid_options` for flags that do not go together
 */
export async function chooseEngine(command: string, flags: EngineFlags, file: string): Promise<ChosenEngine> {
  const name = flags.engine ?? (process.env["LOOPHOST_ENGINE"] || "in-process");
  if (!ENGINES.includes(name))
    throw misuse(command, `There is no engine "${name}", only ${ENGINES.join(", ")}`);
  const restateFlag = Object.entries(flags).find(
    ([flag, value]) => flag.startsWith("restate-") && value !== undefined,
  );
  if (name !== "restate" && restateFlag !== undefined)
    throw misuse(command, `--${restateFlag[0]} goes with --engine restate`);
  const isDatabase = isInDatabase(file);
  if (name === "postgres" && !isDatabase)
    throw misuse(command, "--engine postgres goes with a --store in a database, postgres://…");
  if (!isDatabase)
    return {
      engine: name === "restate" ? await restate(command, flags) : undefined,
      bus: undefined,
      pollMs: undefined,
    };
  const { postgresBus, postgresEngine } = await import("../../stores/postgres/engine/index.ts");
  // The store is opened first, and makes the tables where it may.
  const bus = postgresBus(file, { migrate: "refuse" });
  if (name === "restate") return { engine: await restate(command, flags), bus, pollMs: undefined };
  if (name === "postgres")
    return { engine: postgresEngine(file, { migrate: "refuse" }), bus, pollMs: undefined };
  // Without an engine between processes a worker learns what was posted by looking.
  return { engine: undefined, bus, pollMs: 100 };
}

const ENGINES: readonly string[] = ["in-process", "postgres", "restate"];

async function restate(command: string, flags: EngineFlags): Promise<Engine> {
  const { restateEngine } = await import("../../engines/restate/index.ts");
  const token = process.env["LOOPHOST_RESTATE_TOKEN"];
  return restateEngine({
    ingress: flags["restate-ingress"] ?? (process.env["LOOPHOST_RESTATE_INGRESS"] || "http://127.0.0.1:8080"),
    name: flags["restate-name"] ?? (process.env["LOOPHOST_RESTATE_NAME"] || undefined),
    admin: flags["restate-admin"] ?? (process.env["LOOPHOST_RESTATE_ADMIN"] || undefined),
    listen: { ...readListen(command, flags["restate-listen"] ?? "9080"), url: flags["restate-url"] },
    headers: token ? { authorization: `Bearer ${token}` } : undefined,
  });
}

function readListen(
  command: string,
  text: string,
): { readonly host: string | undefined; readonly port: number } {
  const [, host, port = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === "" || Number(port) > 65_535)
    throw misuse(command, `--restate-listen takes a port, or host:port; got ${text}`);
  return { host: host?.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}
