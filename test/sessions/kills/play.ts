// A conversation whose worker is killed at a place, taken over by another, and what has to be so afterwards.

import type { IfCrashed, SessionResult } from "loophost";
import type { FollowedEvent } from "loophost/sessions";
import { readLog } from "loophost/stores/sessions";
import { expect } from "vitest";

import type { DeathPlace } from "../../server/dying-store.ts";
import type { Kind, Where } from "./world.ts";
import { World } from "./world.ts";

const ID = "order-1";

/** Two charges at once, then a refund that somebody has to allow, then a word; a message waits behind it. */
async function play(world: World, place: DeathPlace | undefined) {
  const poster = world.process().app;
  const first = world.process(place);
  const chat = await poster.create("shop", { id: ID });
  await chat.send('call charge {"of":"a"} charge {"of":"b"}', { key: "1" });
  await chat.send('call refund {"of":"c"}', { key: "2" });
  await chat.send("say thanks", { key: "3" });
  await first.app.work();
  let second = false;
  const takeOver = async () => {
    if (!second && first.view.isDead()) {
      second = true;
      await world.process().app.work();
    }
  };
  const waiting = await world.until(async () => {
    await takeOver();
    const summary = await chat.summary();
    return summary?.status === "waiting" ? summary.waiting : undefined;
  });
  await chat.approve(waiting[0] ?? "");
  let result: SessionResult | undefined;
  const done = chat.result().then((found) => (result = found));
  done.catch(() => undefined);
  await world.until(async () => {
    await takeOver();
    const summary = await chat.summary();
    return result !== undefined && result.text === "thanks" && summary?.status === "idle" ? true : undefined;
  });
  return { result, writes: first.view.writes(), hasDied: first.view.isDead() };
}

/** What a reader is told of the session. */
async function toldOf(world: World): Promise<readonly FollowedEvent[]> {
  const { app } = world.process();
  return Array.fromAsync(app.get(ID).follow({ signal: AbortSignal.timeout(0) }));
}

/** Kills a worker before and after each of its writes, or every so manieth, looks at what is left each time, and gives their number. */
export async function killAtWrites(
  kind: Kind,
  ifCrashed: IfCrashed | undefined,
  every = 1,
  where: Where = "local",
): Promise<number> {
  const quiet = new World(kind, ifCrashed, where);
  const undisturbed = await play(quiet, undefined);
  const expected = timesTold(await toldOf(quiet), where);
  for (let nth = 1; nth <= undisturbed.writes; nth += every)
    for (const when of ["before", "after"] as const) {
      const world = new World(kind, ifCrashed, where);
      const { result } = await play(world, { nth, when });
      const about = `${when} write ${nth}: ${world.ledger.join(", ")}`;
      expect(world.errors, about).toEqual([]);
      expect(result?.text, about).toBe("thanks");
      expect(result?.turns, about).toBe(undisturbed.result?.turns);
      const told = await toldOf(world);
      const texts = told.flatMap((event) => (event.type === "message" ? event.text : []));
      checkEffects(world, texts, ifCrashed, about);
      expect(timesTold(told, where), about).toEqual(expected);
      await checkLog(world, about);
    }
  return undisturbed.writes;
}

/** What tools did, and what they said of it. */
const DONE: Readonly<Record<string, string>> = {
  "charge a": "charged a",
  "charge b": "charged b",
  "refund c": "refunded c",
};

/** Nothing that is on record was done again; what was under way follows its policy, and the model was told. */
function checkEffects(
  world: World,
  texts: readonly string[],
  ifCrashed: IfCrashed | undefined,
  about: string,
): void {
  const told = texts.join("\n");
  for (const effect of Object.keys(DONE)) {
    const times = world.ledger.filter((done) => done === effect).length;
    expect(times, about).toBeLessThanOrEqual(ifCrashed === "rerun" ? 2 : 1);
    const isTold = told.includes(DONE[effect] ?? "");
    expect(
      isTold || (ifCrashed !== "rerun" && told.includes("may or may not have taken effect")),
      about,
    ).toBe(true);
  }
}

/** What a reader is told of a run, whoever ran it; the rest is of a process, such as that it asked the model again. */
const TOLD_OF_RUNS = [
  "run.started",
  "turn.started",
  "message",
  "tool.called",
  "approval.requested",
  "tool.finished",
  "tool.posted",
  "turn.ended",
  "run.ended",
];

/** How often a reader is told of each of these. A turn that a dead process began here begins again, under its number. */
function timesTold(told: readonly FollowedEvent[], where: Where): Readonly<Record<string, number>> {
  const isAgain = (event: FollowedEvent, index: number) =>
    where === "local" &&
    event.type === "turn.started" &&
    told.slice(0, index).findLast(isBound)?.type === event.type;
  const once = told.filter((event, index) => !isAgain(event, index));
  return Object.fromEntries(
    TOLD_OF_RUNS.map((wanted) => [wanted, once.filter(({ type }) => type === wanted).length]),
  );
}

function isBound({ type }: FollowedEvent): boolean {
  return type === "turn.started" || type === "turn.ended";
}

/** Each item led to one thing, and each call has one result. */
async function checkLog(world: World, about: string): Promise<void> {
  const entries: { readonly type: string; readonly id?: string; readonly item?: number }[] = [];
  for await (const { entry } of readLog(world.store, ID)) entries.push(entry as never);
  const items = entries.flatMap(({ item }) => item ?? []);
  expect(
    items.toSorted((a, b) => a - b),
    about,
  ).toEqual([1, 2, 3, 4]);
  expect(await world.store.inbox.read(ID, 10), about).toEqual([]);
  const finished = entries.filter(({ type }) => type === "call.finished").map(({ id }) => id);
  expect(new Set(finished).size, about).toBe(finished.length);
}
