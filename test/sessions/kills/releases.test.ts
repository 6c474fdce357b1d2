// What a newer release wrote, met by a worker of this one: an entry it may skip, and one it may not.

import { readLog } from "loophost/stores/sessions";
import { expect, it } from "vitest";

import { newerRelease } from "../newer-release.ts";
import { World } from "./world.ts";

const ID = "s";

/** A session that a worker of the newer release began, and that waits for a decision when that worker dies. */
async function begunByNewer(needs: number | undefined) {
  const world = new World("SQLite");
  const newer = () => world.process(undefined, { newer: (store) => newerRelease(store, { needs }) });
  const chat = await world.process().app.create("shop", { id: ID });
  await chat.send('call refund {"of":"a"}', { key: "1" });
  const first = newer();
  await first.app.work();
  const [call = ""] = await world.until(async () => {
    const summary = await chat.summary();
    return summary?.status === "waiting" ? summary.waiting : undefined;
  });
  first.view.kill();
  await chat.approve(call);
  await chat.send('call charge {"of":"b"}', { key: "2" });
  const entries = async () => (await Array.fromAsync(readLog(world.store, ID))).map(({ entry }) => entry);
  const done = async () => {
    const summary = await chat.summary();
    return summary?.runs === 2 && summary.status === "idle" ? true : undefined;
  };
  return { world, newer, chat, entries, done };
}

it("skips an entry of a type it does not know", async () => {
  const { world, done } = await begunByNewer(undefined);
  await world.process().app.work();
  await world.until(done);
  expect(world.ledger).toEqual(["refund a", "charge b"]);
  expect(world.errors).toEqual([]);
});

it("leaves a session to newer workers whose log has an entry that must not be skipped: it begins and writes nothing", async () => {
  const { world, newer, chat, entries, done } = await begunByNewer(99);
  await world.process().app.work();
  const before = await entries();
  await world.clock.advance(60_000);
  expect(await entries()).toEqual(before);
  expect(world.ledger).toEqual([]);
  expect(world.errors[0]).toMatch(/^store_failed: .*session s .*newer loophost/);
  await expect(chat.result()).rejects.toMatchObject({ code: "store_failed" });
  // Others are run meanwhile.
  const other = await world.process().app.create("shop", { id: "other" });
  await other.send('call charge {"of":"other"}');
  await world.until(() => (world.ledger.includes("charge other") ? true : undefined));
  await newer().app.work();
  await world.until(done);
  expect(world.ledger).toEqual(["charge other", "refund a", "charge b"]);
});
