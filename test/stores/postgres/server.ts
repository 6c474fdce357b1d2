// PostgreSQL for tests: one for a whole run, started by whoever needs it first from what is installed on this machine,
// and servers of their own for tests that stop them. All end with the process they were started for, whatever ends it.

import { execFileSync, spawn } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout } from "node:timers/promises";

/** A server that runs. */
export interface PostgresServer {
  /** The folder of its socket. */
  readonly folder: string;
  /** Its address, over the socket. */
  readonly url: string;
  /** Stops it at once, as a crash would. */
  stop(): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
}

const PORT = "5432";
const DEADLINE_MS = 60_000;

const installed = findBinaries();

/** Why tests with PostgreSQL are skipped; undefined when they are not. Where they are required, there is no skipping. */
export const whyNoPostgres: string | undefined =
  installed === undefined ? "PostgreSQL is not installed: apt-get install postgresql" : undefined;
if (whyNoPostgres !== undefined && process.env["LOOPHOST_REQUIRE"]?.split(",").includes("postgres") === true)
  throw new Error(whyNoPostgres);

/** What the title of a suite that needs PostgreSQL ends with. */
export const skipped: string = whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`;

/** The server that all tests of this run share. Its settings are those of an installation. */
export async function sharedPostgres(): Promise<PostgresServer> {
  // The workers of vitest are children of the process that is the run.
  const folder = join(rootFolder(), `loophost-pg-${process.ppid}`);
  try {
    mkdirSync(folder);
  } catch {
    await until(() => existsSync(join(folder, "ready")));
    return serverIn(folder);
  }
  const server = serverIn(folder);
  endWith(process.ppid, folder);
  initialise(folder);
  await server.start();
  writeFileSync(join(folder, "ready"), "");
  return server;
}

/** A server of one's own, which may be stopped; its data is in memory unless another folder is named for it. */
export async function ownPostgres(
  settings: readonly string[] = [],
  root: string = rootFolder(),
): Promise<PostgresServer> {
  const { folder: shared } = await sharedPostgres();
  const folder = mkdtempSync(join(root, "loophost-pg-"));
  own(folder);
  endWith(process.pid, folder);
  copyTemplate(shared, folder);
  const server = serverIn(folder, settings);
  await server.start();
  return server;
}

/** A server that follows another, and can take its place. */
export interface StandbyServer extends PostgresServer {
  /** Resolves when it has what the primary has now. */
  catchUp(): Promise<void>;
  /** Gets nothing from the primary any more. */
  fallBehind(): void;
  /** Becomes the primary. */
  promote(): void;
}

/** Starts a standby of a server. With "synchronous" that one waits for it before it calls anything written. */
export async function standbyOf(
  primary: PostgresServer,
  how: "synchronous" | "asynchronous",
): Promise<StandbyServer> {
  const folder = mkdtempSync(join(rootFolder(), "loophost-pg-"));
  own(folder);
  endWith(process.pid, folder);
  const run = (program: string, ...args: readonly string[]) =>
    execFileSync(join(installed ?? "", program), args, {
      ...unprivileged(),
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      encoding: "utf8",
    });
  const ask = ({ folder: at }: PostgresServer, sql: string) =>
    run("psql", "-h", at, "-U", "postgres", "-At", "-c", sql);
  const from = `host=${primary.folder} port=${PORT} user=postgres application_name=standby`;
  run("pg_basebackup", "-D", join(folder, "data"), "-d", from, "-R", "-X", "stream", "-c", "fast", "-N");
  const server = serverIn(folder);
  await server.start();
  await until(() => ask(primary, "SELECT state FROM pg_stat_replication").includes("streaming"));
  if (how === "synchronous") {
    ask(primary, "ALTER SYSTEM SET synchronous_standby_names = 'standby'");
    ask(primary, "SELECT pg_reload_conf()");
    await until(() => ask(primary, "SELECT sync_state FROM pg_stat_replication").includes("sync"));
  }
  return {
    ...server,
    catchUp() {
      const end = ask(primary, "SELECT pg_current_wal_lsn()").trim();
      return until(() => ask(server, `SELECT pg_last_wal_receive_lsn() >= '${end}'`).startsWith("t"));
    },
    fallBehind() {
      ask(server, "ALTER SYSTEM SET primary_conninfo = ''");
      ask(server, "SELECT pg_reload_conf()");
    },
    promote() {
      ask(server, "SELECT pg_promote()");
    },
  };
}

function serverIn(folder: string, settings: readonly string[] = []): PostgresServer {
  const data = join(folder, "data");
  const fixed = ["listen_addresses=", `unix_socket_directories=${folder}`, "max_connections=200"];
  // In its folder, not in that of the machine, where a server that is killed would leave it behind.
  fixed.push("dynamic_shared_memory_type=mmap");
  const options = [...fixed, ...settings].flatMap((setting) => ["-c", setting]);
  return {
    folder,
    url: `postgres://postgres@localhost/postgres?host=${folder}&port=${PORT}`,
    async start() {
      const postgres = join(installed ?? "", "postgres");
      spawn(postgres, ["-D", data, ...options], { ...unprivileged(), stdio: "ignore", cwd: folder }).unref();
      await until(() => stateOf(data) === "ready" || stateOf(data) === "standby");
    },
    async stop() {
      const pid = pidOf(data);
      if (pid !== undefined) process.kill(pid, "SIGQUIT");
      await until(() => pid === undefined || !isAlive(pid));
    },
  };
}

function initialise(folder: string): void {
  own(folder);
  const template = join(folder, "template");
  const how = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=1"];
  execFileSync(join(installed ?? "", "initdb"), ["-D", template, ...how], {
    ...unprivileged(),
    cwd: folder,
    stdio: "pipe",
  });
  copyTemplate(folder, folder);
}

function copyTemplate(from: string, to: string): void {
  // With its owner and its mode, or PostgreSQL refuses it.
  execFileSync("cp", ["-rp", join(from, "template"), join(to, "data")]);
}

/** Stops a server and removes its folder when a process is gone: a test run may be killed, too. */
function endWith(pid: number, folder: string): void {
  const script = `while kill -0 "$1"; do sleep 0.2; done
    server="$(head -n 1 "$2/data/postmaster.pid")" && kill -QUIT "$server" && while kill -0 "$server"; do sleep 0.1; done
    rm -rf "$2"`;
  spawn("sh", ["-c", script, "sh", String(pid), folder], {
    detached: true,
    stdio: "ignore",
    cwd: "/",
  }).unref();
}

function findBinaries(): string | undefined {
  const versions = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql") : [];
  const newestFirst = versions.toSorted((a, b) => Number(b) - Number(a));
  const folders = newestFirst.map((version) => `/usr/lib/postgresql/${version}/bin`);
  const onPath = (process.env["PATH"] ?? "").split(delimiter);
  return [...folders, ...onPath].find((folder) => existsSync(join(folder, "initdb")));
}

/** PostgreSQL refuses to run as root: then it runs as the user its package made. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const idOf = (what: string) => Number(execFileSync("id", [what, "postgres"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

function own(path: string): void {
  const { uid, gid } = unprivileged();
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}

/** Memory, where there is such a folder: these databases are small and soon gone. */
function rootFolder(): string {
  return existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
}

function pidOf(data: string): number | undefined {
  const [pid] = linesOf(data);
  return pid === undefined ? undefined : Number(pid);
}

function stateOf(data: string): string | undefined {
  return linesOf(data)[7]?.trim();
}

function linesOf(data: string): string[] {
  try {
    return readFileSync(join(data, "postmaster.pid"), "utf8").split("\n");
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(isTrue: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + DEADLINE_MS;
  while (!isTrue()) {
    if (performance.now() > giveUpAt) throw new Error("PostgreSQL did not start or stop in time");
    await setTimeout(10);
  }
}
