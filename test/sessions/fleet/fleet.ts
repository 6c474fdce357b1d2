// A store, an engine, workers and posters as processes of their own, and somebody who asks them to do things.

import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

import type { Store } from "loophost";
import type { FollowedEvent, SessionRef, Sessions } from "loophost/sessions";
import { sessions } from "loophost/sessions";

import { freePorts } from "../../engines/restate/server.ts";
import type { Balancer } from "../../support/balancer.ts";
import { balancer } from "../../support/balancer.ts";
import type { Parts, PosterJob, ReaderJob, WorkerJob } from "./parts.ts";
import { openParts } from "./parts.ts";
import type { Places, Setting } from "./places.ts";

const DEADLINE_MS = 180_000;
/** And so long for each session that is waited for: ten thousand at a loop host on the same machine are some minutes of CPU. */
const DEADLINE_EACH_MS = 50;
/** Compiled once: hundreds of processes are started. */
const ENV = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "loophost-fleet-compiled") };

/** A worker that runs. */
export interface FleetWorker {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Runs it has begun, or gone on with. */
  readonly runs: () => number;
  /** Calls to its store that failed. */
  readonly faults: () => number;
  readonly exited: Promise<void>;
  /** Its heap in bytes after a collection, and how many sessions are at work in it. */
  measure(): Promise<{ readonly heapBytes: number; readonly active: number }>;
  /** Restate reaches it no more. */
  cutOff(): void;
}

/** A fleet over a store of its own. */
export class Fleet implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "loophost-fleet-"));
  readonly ledger: string = join(this.#folder, "ledger");
  readonly store: Store;
  readonly app: Sessions;
  readonly parts: Parts;
  readonly places: Places;
  readonly setting: Setting;
  readonly #claude: string | undefined;
  readonly #ifCrashed: "answer" | "rerun";
  readonly #balancer: Balancer | undefined;
  readonly #workers: FleetWorker[] = [];

  private constructor(
    at: Places,
    setting: Setting,
    ifCrashed: "answer" | "rerun",
    made: { parts: Parts; claude: string | undefined; balancer: Balancer | undefined },
  ) {
    this.places = at;
    this.setting = setting;
    this.#ifCrashed = ifCrashed;
    this.parts = made.parts;
    this.#claude = made.claude;
    this.#balancer = made.balancer;
    const { store, engine, bus } = openParts(this.parts);
    this.store = store;
    this.app = sessions({ store, engine, bus });
  }

  /** @param isOnCluster whether its Restate is the one of three nodes */
  static async open(
    at: Places,
    setting: Setting,
    ifCrashed: "answer" | "rerun",
    isOnCluster = false,
  ): Promise<Fleet> {
    const store = await at.newStore(setting.engine);
    const claude = setting.provider === "claude" ? await at.host() : undefined;
    if (setting.engine !== "restate")
      return new Fleet(at, setting, ifCrashed, {
        parts: { ...store, engine: setting.engine },
        claude,
        balancer: undefined,
      });
    const { ingress, admin } = await (isOnCluster ? at.cluster() : at.restate());
    const restate = { ingress, admin, name: `fleet-${crypto.randomUUID()}` };
    const parts = { ...store, engine: setting.engine, restate };
    return new Fleet(at, setting, ifCrashed, { parts, claude, balancer: await balancer() });
  }

  /** Starts a worker, and waits until it works. */
  async begin(more: Partial<WorkerJob> & { readonly gc?: boolean } = {}): Promise<FleetWorker> {
    const { gc = false, ...job } = more;
    const shared = this.#balancer;
    const port = shared === undefined ? 0 : ((await freePorts(1))[0] ?? 0);
    shared?.add(port);
    const { restate } = this.parts;
    const parts: Parts =
      restate === undefined || shared === undefined
        ? this.parts
        : {
            ...this.parts,
            restate: { ...restate, listen: { port, url: `http://127.0.0.1:${shared.port}` } },
          };
    const all: WorkerJob = {
      ...parts,
      ledger: this.ledger,
      ifCrashed: this.#ifCrashed,
      claude: this.#claude,
      graceMs: 10_000,
      ...job,
    };
    const child = fork(new URL("worker.ts", import.meta.url), [JSON.stringify(all)], {
      env: ENV,
      execArgv: [...process.execArgv, ...(gc ? ["--expose-gc"] : [])],
    });
    let [runs, faults] = [0, 0];
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const worker: FleetWorker = {
      child,
      pid: child.pid ?? 0,
      runs: () => runs,
      faults: () => faults,
      exited,
      async measure() {
        const measured = new Promise<never>((resolve) => {
          child.on("message", (said: object) => "heapBytes" in said && resolve(said as never));
        });
        child.send("measure");
        return measured;
      },
      cutOff: () => shared?.remove(port),
    };
    this.#workers.push(worker);
    child.on("message", (said: unknown) => {
      if (Object(said).runs === 1) runs += 1;
      if (Object(said).faults === 1) faults += 1;
    });
    await new Promise<void>((resolve, reject) => {
      child.on("message", (said) => said === "ready" && resolve());
      exited.then(() => reject(new Error("a worker ended before it worked")), reject);
    });
    return worker;
  }

  /** Starts somebody who posts; gives the receipts, or undefined when he died. */
  async post(job: Omit<PosterJob, keyof Parts>): Promise<readonly Record<string, unknown>[] | undefined> {
    const all: PosterJob = { ...this.parts, ...job };
    const child = fork(new URL("poster.ts", import.meta.url), [JSON.stringify(all)], { env: ENV });
    return new Promise((resolve) => {
      child.once("message", (receipts) => resolve(receipts as Record<string, unknown>[]));
      child.once("exit", () => resolve(undefined));
    });
  }

  /** Starts somebody who follows a session from a place on, and hears each event. */
  read(id: string, after: number, hear: (event: FollowedEvent) => void): ChildProcess {
    const job: ReaderJob = { ...this.parts, id, after };
    const child = fork(new URL("reader.ts", import.meta.url), [JSON.stringify(job)], { env: ENV });
    child.on("message", (event) => hear(event as FollowedEvent));
    return child;
  }

  /** Makes sessions, and sends each the same messages. */
  async ask(count: number, texts: readonly string[], tenant?: string): Promise<readonly SessionRef[]> {
    return Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const chat = await this.app.create("stepper", { id: `${tenant ?? "s"}${index}`, tenant });
        for (const [key, text] of texts.entries()) await chat.send(text, { key: String(key) });
        return chat;
      }),
    );
  }

  /** Waits until each of them has so many runs behind it and none open. */
  async idle(chats: readonly SessionRef[], runs: number): Promise<void> {
    await this.#each(chats, (summary) => summary?.status === "idle" && summary.runs === runs);
  }

  /** Waits until each of them waits for somebody, and gives the first call it waits for. */
  async waiting(chats: readonly SessionRef[]): Promise<readonly string[]> {
    await this.#each(chats, (summary) => summary?.status === "waiting" && summary.waiting.length > 0);
    return Promise.all(chats.map(async (chat) => (await chat.summary())?.waiting[0] ?? ""));
  }

  async #each(
    chats: readonly SessionRef[],
    is: (summary: Awaited<ReturnType<SessionRef["summary"]>>) => boolean,
  ): Promise<void> {
    const giveUpAt = performance.now() + DEADLINE_MS + chats.length * DEADLINE_EACH_MS;
    for (const chat of chats)
      for (;;) {
        const summary = await chat.summary();
        if (is(summary)) break;
        if (performance.now() > giveUpAt)
          throw new Error(`session ${chat.id} did not get there: ${JSON.stringify(summary)}`);
        await setTimeout(20);
      }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#workers) child.kill("SIGKILL");
    await Promise.all(this.#workers.map(({ exited }) => exited));
    await this.app.close();
    await this.#balancer?.[Symbol.asyncDispose]();
    await this.store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
