// Two `loophost serve` on one database, one killed every second and started again: to the official SDK they are one host
// that loses nothing and says nothing twice, whichever of them it asks.

import { setTimeout as sleep } from "node:timers/promises";

import Anthropic, { APIError } from "@anthropic-ai/sdk";
import { defineAgent, defineTool, openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import { describe, expect, it } from "vitest";

import { skipped, whyNoPostgres } from "../stores/postgres/server.ts";
import type { Served } from "./served.ts";
import { newDatabase, serve } from "./served.ts";
import type { SeenEvent } from "./support.ts";
import { answer, createSession, listed, message, stopOf } from "./support.ts";

// So long each; `LOOPHOST_SECONDS=5` is a short form.
const SECONDS = Number(process.env["LOOPHOST_SECONDS"] ?? 20);
const SESSIONS = 4;
const EVERY_MS = 1_000;
const FAR_TOO_LONG_MS = 120_000;

/** Somebody who follows a session through whichever host answers, and answers its calls, each once. */
class Follower {
  readonly seen: SeenEvent[] = [];
  readonly answered: string[] = [];
  breaks = 0;
  readonly #ids = new Set<string>();
  readonly #clients: readonly Anthropic[];
  readonly #id: string;
  readonly #over = new AbortController();
  readonly #watchers = new Set<() => void>();
  #turn: number;

  constructor(clients: readonly Anthropic[], id: string, turn: number) {
    this.#clients = clients;
    this.#id = id;
    this.#turn = turn;
  }

  /** Asks one host, and the other when that fails, until one answers. */
  async ask<T>(work: (client: Anthropic) => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      const client = this.#clients[this.#turn++ % this.#clients.length];
      try {
        return await work(client ?? new Anthropic());
      } catch (thrown) {
        const isOurs = thrown instanceof APIError && (thrown.status ?? 500) < 500;
        if (isOurs || tries === 100) throw thrown;
        await sleep(100);
      }
    }
  }

  /** Sends events once, however often that is tried. */
  send(key: string, events: Anthropic.Beta.Sessions.EventSendParams["events"]): Promise<unknown> {
    const headers = { "Idempotency-Key": `${this.#id} ${key}` };
    return this.ask((client) => client.beta.sessions.events.send(this.#id, { events }, { headers }));
  }

  /** Follows: a stream first, then the list, which has what came while there was none. */
  async follow(): Promise<void> {
    while (!this.#over.signal.aborted) {
      try {
        const { signal } = this.#over;
        const client = this.#clients[this.#turn++ % this.#clients.length] ?? new Anthropic();
        const stream = await client.beta.sessions.events.stream(this.#id, {}, { signal });
        for (const event of await listed(client, this.#id)) this.#see(event);
        for await (const event of stream) this.#see(event as unknown as SeenEvent);
      } catch {
        // Cut off with its host.
      }
      this.breaks += 1;
      await sleep(20);
    }
  }

  stop(): void {
    this.#over.abort();
  }

  /** Resolves when so many runs have ended. */
  async ended(runs: number): Promise<void> {
    while (this.seen.filter(isEnd).length < runs)
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
  }

  #see(event: SeenEvent): void {
    if (event.id === undefined || event.processed_at === null || this.#ids.has(event.id)) return;
    this.#ids.add(event.id);
    this.seen.push(event);
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
    if (event.type !== "agent.custom_tool_use") return;
    this.answered.push(event.id);
    this.send(event.id, [answer(event.id, "42")]).catch(() => undefined);
  }
}

const isEnd = (event: SeenEvent): boolean =>
  event.type === "session.status_idle" && stopOf(event) === "end_turn";

const idsOf = (events: readonly SeenEvent[]): unknown[] => events.map(({ id }) => id);

/** Kills one after the other, one a second, each while the other one is there; resolves with how many it were. */
function killInTurn(hosts: readonly Served[], seconds: number) {
  let isOver = false;
  const kill = async () => {
    const end = performance.now() + seconds * EVERY_MS;
    let count = 0;
    for (; performance.now() < end; count += 1) {
      const next = sleep(EVERY_MS);
      const { back } = (await hosts[count % hosts.length]?.restart()) ?? {};
      await Promise.all([next, back]);
    }
    return count;
  };
  const killing = kill().finally(() => {
    isOver = true;
  });
  return { killing, isOver: () => isOver };
}

describe.skipIf(whyNoPostgres !== undefined)(`two hosts on one database${skipped}`, () => {
  it(
    `are one host to the official SDK while one of them is killed every second`,
    { timeout: FAR_TOO_LONG_MS },
    async () => {
      const database = await newDatabase();
      const hosts = [await serve(database), await serve(database)];
      const clients = hosts.map(({ url }) => new Anthropic({ baseURL: url, apiKey: "any", maxRetries: 0 }));
      const [first = new Anthropic()] = clients;
      const ids = await Promise.all(
        Array.from({ length: SESSIONS }, () => createSession(first, ["look_up", "book"])),
      );
      const { killing, isOver } = killInTurn(hosts, SECONDS);
      const drive = async (id: string, index: number) => {
        const follower = new Follower(clients, id, index);
        const following = follower.follow();
        let runs = 0;
        while (!isOver()) {
          await follower.send(`message ${runs}`, [message(`look_up {"n":${runs}}\nbook {}`)]);
          runs += 1;
          await follower.ended(runs);
        }
        return { id, follower, following, runs };
      };
      const driven = await Promise.all(ids.map(drive));
      expect(await killing).toBeGreaterThan(1);
      for (const { id, follower, following, runs } of driven) {
        const [whole = [], other] = await Promise.all(clients.map((client) => listed(client, id)));
        follower.stop();
        await following;
        expect(other).toEqual(whole);
        expect(new Set(idsOf(whole)).size).toBe(whole.length);
        expect(idsOf(follower.seen)).toEqual(idsOf(whole));
        const typed = (type: string) => whole.filter((event) => event.type === type);
        expect(typed("user.message")).toHaveLength(runs);
        expect(whole.filter(isEnd)).toHaveLength(runs);
        expect(idsOf(typed("agent.custom_tool_use"))).toEqual(follower.answered);
        expect(follower.answered).toHaveLength(2 * runs);
        const results = typed("user.custom_tool_result").map((event) => String(event["custom_tool_use_id"]));
        expect(new Set(results)).toEqual(new Set(follower.answered));
        expect(results).toHaveLength(follower.answered.length);
      }
    },
  );

  it(
    "are one host to our own client, too: no tool runs twice, and every run has its end",
    { timeout: FAR_TOO_LONG_MS },
    async () => {
      const database = await newDatabase();
      const hosts = [await serve(database), await serve(database)];
      const { killing, isOver } = killInTurn(hosts, SECONDS);
      await Promise.all(hosts.map((host) => driveWithOurs(host, isOver)));
      expect(await killing).toBeGreaterThan(1);
    },
  );
});

/** One run after the other, with tools that count. */
async function driveWithOurs({ url }: Served, isOver: () => boolean): Promise<void> {
  const ran: string[] = [];
  const tool = (name: string) =>
    defineTool({
      name,
      description: `The tool ${name}`,
      input: { type: "object" },
      execute: (_input, { callId }) => {
        ran.push(callId);
        return String(ran.length);
      },
    });
  const agent = defineAgent({
    name: "helper",
    instructions: "Help.",
    model: "m",
    tools: [tool("look_up"), tool("book")],
  });
  const provider = claude({
    baseUrl: url,
    apiKey: "any",
    // A post whose reply was lost is sent again: the hosts keep the keys of posts.
    server: { takesIdempotencyKeys: true },
    retry: { attempts: 20, maxDelayMs: 1_000 },
  });
  await using session = await openSession(agent, { provider });
  for (let run = 1; !isOver(); run += 1) {
    const result = await session.send(`look_up {"n":${run}}\nbook {}`).result();
    expect(result).toMatchObject({ terminal: "end_turn" });
    expect(result.text).toMatch(/^look_up answered: \d+\nbook answered: \d+$/);
    expect(ran).toHaveLength(2 * run);
    expect(new Set(ran).size).toBe(ran.length);
  }
}
