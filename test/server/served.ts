// `loophost serve` as processes of their own on one database: killed, and started again on the same port.

import { once } from "node:events";

import { Client } from "pg";
import { onTestFinished } from "vitest";

import { start } from "../cli/loophost.ts";
import { sharedPostgres } from "../stores/postgres/server.ts";

/** A process that serves. */
export interface Served {
  readonly url: string;
  /** Ends it as a power cut would, and starts it again on its port; resolves when it is gone, with when it is back. */
  restart(): Promise<{ readonly back: Promise<void> }>;
}

/** Makes a database of its own, dropped after the test. */
export async function newDatabase(): Promise<string> {
  const { url } = await sharedPostgres();
  const name = `serve_${process.pid}_${Date.now()}`;
  await query(url, `CREATE DATABASE ${name}`);
  onTestFinished(() => query(url, `DROP DATABASE ${name} WITH (FORCE)`));
  return url.replace("/postgres?", `/${name}?`);
}

/** Serves a database with the scripted model, on a free port. */
export async function serve(database: string): Promise<Served> {
  let process = await launch(database, "0");
  onTestFinished(() => process.kill());
  const { url } = process;
  return {
    url,
    async restart() {
      await process.kill();
      const comeBack = async () => {
        process = await launch(database, new URL(url).port);
      };
      const back = comeBack();
      // Whoever waits for it hears of it.
      back.catch(() => undefined);
      return { back };
    },
  };
}

async function launch(database: string, port: string) {
  const started = start(["serve", "--store", database, "--port", port]);
  const { child, said } = started;
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  await started.saw("Ctrl-C stops it.");
  return { url: /^Loop host at (\S+)$/m.exec(said.stdout)?.[1] ?? "", kill };
}

async function query(url: string, sql: string): Promise<void> {
  const client = new Client(url);
  await client.connect();
  await client.query(sql);
  await client.end();
}
