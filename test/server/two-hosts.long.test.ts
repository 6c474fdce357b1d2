// Two `loophost serve` on one database, one of them killed every second, be it at work or still starting, and started again
// at once: to the official SDK they are one host that loses nothing and does nothing twice, whichever of them it asks.

import { setTimeout as sleep } from "node:timers/promises";

import { defineAgent, defineTool, openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import { describe, expect, it } from "vitest";

import { pickAt } from "../../src/testing/faults/random.ts";
import type { Release } from "../official/releases.ts";
import { RELEASES } from "../official/releases.ts";
import { skipped, whyNoPostgres } from "../stores/postgres/server.ts";
import type { HeldSession } from "./sdk-user.ts";
import { isEnd, SdkUser } from "./sdk-user.ts";
import type { Served } from "./served.ts";
import { newDatabase, serve } from "./served.ts";
import type { SeenEvent } from "./support.ts";
import { listed } from "./support.ts";

// So long each; `LOOPHOST_SECONDS=5` is a short form. `LOOPHOST_SEED` says who is killed when.
const SECONDS = Number(process.env["LOOPHOST_SECONDS"] ?? 20);
const SEED = Number(process.env["LOOPHOST_SEED"] ?? 1);
const EVERY_MS = 1_000;
const USERS = 6;
const RUNS_OF_A_SESSION = 4;
const FAR_TOO_LONG_MS = 180_000;

/**
 * Kills one of the hosts every second, by seed, and starts it again at once.
 *
 * @param waits no host is killed before the last one is back, for clients that know one address only
 */
function killEverySecond(hosts: readonly Served[], waits = false) {
  const figures = { kills: 0, whileStarting: 0 };
  let isOver = false;
  const kill = async () => {
    const starts: Promise<void>[] = [];
    const end = performance.now() + SECONDS * EVERY_MS;
    for (let second = 0; second < SECONDS && performance.now() < end; second += 1) {
      const next = sleep(EVERY_MS);
      const host = hosts[pickAt(hosts.length, SEED, second)];
      if (host?.isReady === false) figures.whileStarting += 1;
      await host?.kill();
      figures.kills += 1;
      const start = host?.start();
      if (waits) await start;
      else if (start !== undefined) starts.push(start);
      await next;
    }
    isOver = true;
    await Promise.all(starts);
  };
  return { killing: kill(), isOver: () => isOver, figures };
}

const newest = RELEASES[0] as Release;
const releases = [newest, RELEASES.at(-1) ?? newest];

const idsOf = (events: readonly SeenEvent[]): unknown[] => events.map(({ id }) => id);

/** Holds what a user saw of a session against its log, which both hosts have to give alike. */
function expectWhole(
  { seen, answered, runs }: HeldSession,
  { drops }: Release,
  [whole = [], ...others]: readonly (readonly SeenEvent[])[],
): void {
  // Of what its streams do not give, a list tells late.
  const streamed = (events: readonly SeenEvent[]) => events.filter(({ type }) => !drops.includes(type));
  for (const other of others) expect(other).toEqual(whole);
  expect(new Set(idsOf(whole)).size).toBe(whole.length);
  expect(idsOf(streamed(seen))).toEqual(idsOf(streamed(whole)));
  expect(new Set(idsOf(seen))).toEqual(new Set(idsOf(whole)));
  const typed = (type: string) => whole.filter((event) => event.type === type);
  expect(typed("user.message")).toHaveLength(runs);
  expect(whole.filter(isEnd)).toHaveLength(runs);
  expect(idsOf(typed("agent.custom_tool_use"))).toEqual(answered);
  expect(answered).toHaveLength(2 * runs);
  const results = typed("user.custom_tool_result").map((event) => String(event["custom_tool_use_id"]));
  expect(new Set(results)).toEqual(new Set(answered));
  expect(results).toHaveLength(answered.length);
  const said = typed("agent.message").map((event) => JSON.stringify(event["content"]));
  expect(said).toHaveLength(runs);
  for (const text of said) expect(text).toContain("look_up answered: 42\\nbook answered: 42");
}

describe.skipIf(whyNoPostgres !== undefined)(`two hosts on one database${skipped}`, () => {
  it(
    `are one host to the official SDK while one of them is killed every second`,
    { timeout: FAR_TOO_LONG_MS },
    async () => {
      const database = await newDatabase();
      const hosts = [await serve(database), await serve(database)];
      const users = Array.from({ length: USERS }, (_, index) => {
        const release = releases[index % releases.length] ?? newest;
        const clients = hosts.map(({ url }) => new release.Anthropic({ baseURL: url, apiKey: "any" }));
        return { release, clients, user: new SdkUser(clients, `user ${index}`, index) };
      });
      const { killing, isOver, figures } = killEverySecond(hosts);
      const drive = async ({ user, release }: (typeof users)[number]) => {
        const held: { release: Release; session: HeldSession }[] = [];
        while (!isOver()) held.push({ release, session: await user.hold(RUNS_OF_A_SESSION, isOver) });
        return held;
      };
      const all = (await Promise.all(users.map(drive))).flat();
      const sessions = all.map(({ session }) => session);
      await killing;
      const [{ clients } = { clients: [] }] = users;
      let events = 0;
      for (const { session, release } of all) {
        const logs = await Promise.all(clients.map((client) => listed(client, session.id)));
        expectWhole(session, release, logs);
        events += logs[0]?.length ?? 0;
      }
      const total = (count: (user: SdkUser) => number) =>
        users.reduce((sum, { user }) => sum + count(user), 0);
      const started = hosts.flatMap(({ startedInMs }) => startedInMs).toSorted((a, b) => a - b);
      console.log(
        `seed ${SEED}: ${figures.kills} kills in ${SECONDS} s, ${figures.whileStarting} of a host that was starting; a start ` +
          `took ${started[Math.floor(started.length / 2)]?.toFixed(0)} ms. ${sessions.length} sessions, ` +
          `${sessions.reduce((sum, { runs }) => sum + runs, 0)} runs, ${events} events, ` +
          `${sessions.reduce((sum, { answered }) => sum + answered.length, 0)} tool results; ${total(({ breaks }) => breaks)} ` +
          `streams broke, ${total(({ failures }) => failures)} requests went to the other host. Lost: 0, twice: 0.`,
      );
      expect(figures.kills).toBeGreaterThan(SECONDS - 2);
      expect(users.flatMap(({ user }) => user.refused)).toEqual([]);
      expect(total(({ repeats }) => repeats)).toBe(0);
      // A post that was taken once made one session, though it was sent again.
      const kept: string[] = [];
      for await (const { id } of clients[0]?.beta.sessions.list({ limit: 100 }) ?? []) kept.push(id);
      expect(kept.toSorted()).toEqual(sessions.map(({ id }) => id).toSorted());
    },
  );

  it(
    "are one host to our own client, too: no tool runs twice, and every run has its end",
    { timeout: FAR_TOO_LONG_MS },
    async () => {
      const database = await newDatabase();
      const hosts = [await serve(database), await serve(database)];
      const { killing, isOver, figures } = killEverySecond(hosts, true);
      await Promise.all(hosts.map((host) => driveWithOurs(host, isOver)));
      await killing;
      expect(figures.kills).toBeGreaterThan(1);
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
