// What a campaign shares: a PostgreSQL, a Restate and a loop host, each started when it is needed first.

import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

import { embeddedHost } from "loophost/server";

import type { RestateServer } from "../../engines/restate/server.ts";
import { restateNodes, restateServer, whyNoRestate } from "../../engines/restate/server.ts";
import type { PostgresServer } from "../../stores/postgres/server.ts";
import { ownPostgres, whyNoPostgres } from "../../stores/postgres/server.ts";
import { balancer } from "../../support/balancer.ts";
import { model } from "./agent.ts";

/** Which engine says who works, and who runs the loop. */
export interface Setting {
  readonly engine: "in-process" | "postgres" | "restate";
  readonly provider: "local" | "claude";
}

/** Nodes that are one Restate. */
interface RestateCluster extends AsyncDisposable {
  readonly ingress: string;
  readonly admin: string;
  readonly nodes: readonly RestateServer[];
}

/** The servers of a campaign. */
export interface Places extends AsyncDisposable {
  postgres(): Promise<PostgresServer>;
  restate(): Promise<RestateServer>;
  /** A Restate of three nodes behind balancers. */
  cluster(): Promise<RestateCluster>;
  /** The address of a loop host. */
  host(): Promise<string>;
  /** Where a new store is: a file, or a schema in the database. */
  newStore(engine: Setting["engine"]): Promise<{ readonly where: string; readonly schema?: string }>;
}

/** Why an engine is left out on this machine; undefined when it is not. */
export function whyNot(engine: Setting["engine"]): string | undefined {
  if (engine === "restate") return whyNoRestate ?? whyNoPostgres;
  return engine === "postgres" ? whyNoPostgres : undefined;
}

/** Gives the places, and ends all of them together. */
export function places(): Places {
  const ends: (() => Promise<void>)[] = [];
  let schemas = 0;
  const once = <T>(start: () => Promise<T>, end: (made: T) => Promise<void>) => {
    let made: Promise<T> | undefined;
    const begin = async () => {
      const one = await start();
      ends.push(() => end(one));
      return one;
    };
    return () => (made ??= begin());
  };
  const postgres = once(
    async () => {
      const server = await ownPostgres();
      // For 5 seconds after its start locks that are gone say nothing of workers: all of them were lost then.
      await setTimeout(5_000);
      return server;
    },
    (server) => server.stop(),
  );
  const restate = once(
    () => restateServer(),
    async (server) => {
      await server[Symbol.asyncDispose]();
    },
  );
  const cluster = once(startCluster, async (made) => {
    await made[Symbol.asyncDispose]();
  });
  const host = once(
    async () => {
      const loopHost = embeddedHost({ model });
      const { url } = await loopHost.listen();
      return { loopHost, url };
    },
    async ({ loopHost }) => {
      await loopHost.close();
    },
  );
  return {
    postgres,
    restate,
    cluster,
    host: async () => (await host()).url,
    async newStore(engine) {
      if (engine === "in-process") {
        const folder = mkdtempSync(join(tmpdir(), "loophost-fleet-"));
        ends.push(() => rm(folder, { recursive: true, force: true }));
        return { where: join(folder, "app.db") };
      }
      schemas += 1;
      const schema = `fleet_${process.pid}_${schemas}`;
      return { where: (await postgres()).url, schema };
    },
    async [Symbol.asyncDispose]() {
      for (const end of ends) await end();
    },
  };
}

async function startCluster(): Promise<RestateCluster> {
  const nodes = await restateNodes(3);
  const [ingress, admin] = [await balancer(), await balancer()];
  for (const node of nodes) {
    ingress.add(Number(new URL(node.ingress).port));
    admin.add(Number(new URL(node.admin).port));
  }
  return {
    ingress: `http://127.0.0.1:${ingress.port}`,
    admin: `http://127.0.0.1:${admin.port}`,
    nodes,
    async [Symbol.asyncDispose]() {
      for (const one of [ingress, admin, ...nodes]) await one[Symbol.asyncDispose]();
    },
  };
}
