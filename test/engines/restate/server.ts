// A Restate server for tests, on ports of its own on this machine, and gone with the process that started it, whatever ends that.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

/** A server that runs. */
export interface RestateServer extends AsyncDisposable {
  readonly ingress: string;
  readonly admin: string;
  /** Kills it, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same ports; with what it knew, or as if it had lost all of it. */
  start(what?: { readonly isEmptied: boolean }): Promise<void>;
}

const DEADLINE_MS = 60_000;
const binary = findBinary();

/** Why tests with Restate are skipped; undefined when they are not. Where they are required, there is no skipping. */
export const whyNoRestate: string | undefined =
  binary === undefined ? `@restatedev/restate-server has no program for ${process.platform}` : undefined;
if (whyNoRestate !== undefined && process.env["LOOPHOST_REQUIRE"]?.split(",").includes("restate") === true)
  throw new Error(whyNoRestate);

/** What the title of a suite that needs Restate ends with. */
export const skipped: string = whyNoRestate === undefined ? "" : ` (skipped: ${whyNoRestate})`;

/** Starts a server. */
export async function restateServer(): Promise<RestateServer> {
  const [server] = await restateNodes(1);
  if (server === undefined) throw new Error("no server was started");
  return server;
}

/** Starts the nodes of a cluster, which keeps going when one of three is lost. */
export async function restateNodes(count: number): Promise<readonly RestateServer[]> {
  const ports = await Promise.all(Array.from({ length: count }, () => freePorts(3)));
  const fabrics = ports.map(([fabric]) => `127.0.0.1:${fabric}`);
  return Promise.all(ports.map((own, index) => restateNode(own, index, fabrics)));
}

async function restateNode(
  [, ingressPort = 0, adminPort = 0]: readonly number[],
  index: number,
  fabrics: readonly string[],
): Promise<RestateServer> {
  const [ingress, admin] = [`http://127.0.0.1:${ingressPort}`, `http://127.0.0.1:${adminPort}`];
  const folder = mkdtempSync(join(tmpdir(), "loophost-restate-"));
  let ended: Promise<unknown> = Promise.resolve();
  let kill = (): unknown => undefined;

  const server: RestateServer = {
    ingress,
    admin,
    async kill() {
      kill();
      await ended;
    },
    async start({ isEmptied } = { isEmptied: false }) {
      if (isEmptied) rmSync(join(folder, "data"), { recursive: true, force: true });
      const child = spawn(
        binary ?? "",
        ["--no-logo", "--node-name", `node-${index}`, "--base-dir", join(folder, "data")],
        {
          env: settings(index, ingressPort, adminPort, fabrics),
          stdio: "ignore",
        },
      );
      kill = () => child.kill("SIGKILL");
      endWith(process.pid, child.pid ?? 0, folder);
      ended = new Promise((resolve) => {
        child.once("close", resolve);
      });
      await until(async () => (await isUp(`${admin}/health`)) && isUp(`${ingress}/restate/health`));
    },
    async [Symbol.asyncDispose]() {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

/** Small, quiet, and quick to notice a worker that hangs: the settings of docs/fleet.md. */
function settings(
  index: number,
  ingress: number,
  admin: number,
  fabrics: readonly string[],
): Record<string, string> {
  const fabric = fabrics[index] ?? "";
  return {
    DO_NOT_TRACK: "1",
    RESTATE_DISABLE_TELEMETRY: "true",
    RESTATE_LISTEN_MODE: "tcp",
    RESTATE_AUTO_PROVISION: String(index === 0),
    RESTATE_DEFAULT_REPLICATION: String(Math.ceil(fabrics.length / 2)),
    RESTATE_BIND_ADDRESS: fabric,
    RESTATE_ADVERTISED_ADDRESS: `http://${fabric}`,
    RESTATE_METADATA_CLIENT__ADDRESSES: JSON.stringify(fabrics.map((one) => `http://${one}`)),
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
    RESTATE_DEFAULT_NUM_PARTITIONS: String(fabrics.length),
    RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: "64 MiB",
    RESTATE_LOG_FILTER: "off",
    RESTATE_WORKER__INVOKER__HTTP2_KEEP_ALIVE_INTERVAL: "2s",
    RESTATE_WORKER__INVOKER__HTTP2_KEEP_ALIVE_TIMEOUT: "2s",
  };
}

/** Kills a server when a process is gone, and removes its folder: a test run may be killed, too. */
function endWith(pid: number, server: number, folder: string): void {
  const script = `while kill -0 "$1" && kill -0 "$2"; do sleep 0.5; done
    kill -0 "$1" || { kill -9 "$2"; rm -rf "$3"; }`;
  const args = ["-c", script, "sh", String(pid), String(server), folder];
  spawn("sh", args, { detached: true, stdio: "ignore", cwd: "/" }).unref();
}

function findBinary(): string | undefined {
  // A package of its own for each platform, which only the one that names them may import.
  const names = createRequire(
    createRequire(import.meta.url).resolve("@restatedev/restate-server/package.json"),
  );
  try {
    return names.resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`);
  } catch {
    return undefined;
  }
}

/** Ports that were free a moment ago; all are held before the first is let go. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => {
        server.listen(0, "127.0.0.1", resolve);
      });
      return server;
    }),
  );
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address();
      await new Promise((resolve) => {
        server.close(resolve);
      });
      return typeof address === "object" && address !== null ? address.port : 0;
    }),
  );
}

async function isUp(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + DEADLINE_MS;
  while (!(await isTrue())) {
    if (performance.now() > giveUpAt) throw new Error("Restate did not start in time");
    await setTimeout(10);
  }
}
