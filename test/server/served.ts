// `loophost serve` as processes of their own on one database: killed, at any moment, and started again on the same port.

import { once } from "node:events";

import { Client } from "pg";
import { onTestFinished } from "vitest";

import type { Started } from "../cli/loophost.ts";
import { start } from "../cli/loophost.ts";
import { sharedPostgres } from "../stores/postgres/server.ts";

const READY = "Ctrl-C stops it.";

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
  const served = new Served(database);
  onTestFinished(() => served.kill());
  await served.start();
  return served;
}

/** A host on a port, in a process that may be replaced. */
export class Served {
  url = "";
  /** Milliseconds each start took that was not cut short. */
  readonly startedInMs: number[] = [];
  readonly #database: string;
  #process: Started | undefined;

  constructor(database: string) {
    this.#database = database;
  }

  /** Whether it has said that it serves. */
  get isReady(): boolean {
    return this.#process?.said.stdout.includes(READY) === true;
  }

  /** Starts a process; resolves when it serves, or was killed before. */
  async start(): Promise<void> {
    const begun = performance.now();
    const port = this.url === "" ? "0" : new URL(this.url).port;
    const started = start(["serve", "--store", this.#database, "--port", port]);
    this.#process = started;
    await started.saw(READY).catch((thrown: unknown) => {
      if (!started.child.killed) throw thrown;
    });
    if (started.child.killed) return;
    this.startedInMs.push(performance.now() - begun);
    this.url = /^Loop host at (\S+)$/m.exec(started.said.stdout)?.[1] ?? "";
  }

  /** Ends the process as a power cut would; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#process?.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

async function query(url: string, sql: string): Promise<void> {
  const client = new Client(url);
  await client.connect();
  await client.query(sql);
  await client.end();
}
