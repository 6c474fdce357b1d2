/**
 * The contract of the Engine port, as cases any test runner can run: `src/core/engine.ts` says it, this proves it.
 * `engineContract` is for all engines, `sharedEngineContract` for those whose workers are processes that may be lost.
 */

import type { EngineCase } from "./case.ts";
import { CaseHost, must, PARKED, withPatience, working } from "./case.ts";

const DELAY_MS = 300;
/** Milliseconds a timer may be early: dates are whole milliseconds, and there are two clocks. */
const EARLY_MS = 20;
const QUIET_MS = 150;

/** What every engine has to do. */
export const engineContract: readonly EngineCase[] = [
  {
    name: "wake leads to an activation, whatever the id",
    async check(place) {
      const { engine, host } = await working(place);
      for (const id of ["order-42", "acme/7", "..", "\\..", "a b?c#d%2e", "日本"]) {
        await engine.wake(id);
        const begun = await host.next(`"${id}" was woken, and did not begin`);
        must(begun.id === id, `"${id}" was woken, "${begun.id}" began`);
        begun.rest(PARKED);
      }
    },
  },
  {
    name: "wake while a session runs leads to another activation after it, never beside it",
    async check(place) {
      const { engine, host } = await working(place);
      await engine.wake("s");
      const first = await host.next("the session did not begin");
      await engine.wake("s");
      await place.passTime(QUIET_MS);
      must(host.unseen === 0, "a second activation began while the first one ran");
      first.rest(PARKED);
      (await host.next("the wake while the session ran came to nothing")).rest(PARKED);
    },
  },
  {
    name: "wake again and again is harmless: one activation at a time, and an end of them",
    async check(place) {
      const { engine, host } = await working(place);
      await Promise.all(Array.from({ length: 10 }, () => engine.wake("s")));
      const first = await host.next("the session did not begin");
      await Promise.all(Array.from({ length: 10 }, () => engine.wake("s")));
      first.rest(PARKED);
      (await host.next("the wakes while the session ran came to nothing")).rest(PARKED);
      await host.parkAll(place, QUIET_MS);
      must(host.doubled.length === 0, "the session ran twice at a time");
    },
  },
  {
    name: "sessions run beside each other",
    async check(place) {
      const { engine, host } = await working(place);
      await Promise.all(["a", "b", "c"].map((id) => engine.wake(id)));
      const begun = [];
      for (const nth of ["first", "second", "third"])
        begun.push(await host.next(`the ${nth} of three sessions did not begin`));
      must(new Set(begun.map(({ id }) => id)).size === 3, "not each of three sessions began");
      for (const activation of begun) activation.rest(PARKED);
    },
  },
  {
    name: "a session that rests with again comes back after its delay, and not before, as often as it does",
    async check(place) {
      const { engine, host } = await working(place);
      await engine.wake("s");
      let begun = await host.next("the session did not begin");
      for (let times = 0; times < 3; times += 1) {
        const restedAt = place.clock.now();
        begun.rest({ now: "again", afterMs: DELAY_MS });
        await place.passTime(DELAY_MS);
        begun = await host.next("it did not come back");
        must(begun.at - restedAt >= DELAY_MS - EARLY_MS, "it came back before its delay was over");
      }
      begun.rest(PARKED);
    },
  },
  {
    name: "a session that rests until a date comes back then, and not before, as often as it does",
    async check(place) {
      const { engine, host } = await working(place);
      await engine.wake("s");
      let begun = await host.next("the session did not begin");
      for (let times = 0; times < 2; times += 1) {
        const restedAt = place.clock.now();
        begun.rest({ now: "parked", wakeAt: new Date(Date.now() + DELAY_MS) });
        await place.passTime(DELAY_MS + EARLY_MS);
        begun = await host.next("it did not come back");
        must(begun.at - restedAt >= DELAY_MS - EARLY_MS, "it came back before its date");
      }
      begun.rest(PARKED);
    },
  },
  {
    name: "wakes with one key do not pile up while nobody works, and lead to an activation again once that is over",
    async check(place) {
      const engine = await place.open();
      const before = await engine.work(new CaseHost(place.clock));
      await before.drain({ graceMs: 0 });
      for (let times = 0; times < 20; times += 1) await engine.wake("s", { key: "k" });
      const host = new CaseHost(place.clock);
      await engine.work(host);
      (await host.next("the session did not begin")).rest(PARKED);
      must((await host.parkAll(place, QUIET_MS)) <= 2, "twenty wakes with one key led to many activations");
      await engine.wake("s", { key: "k" });
      (await host.next("the key of an activation that had ended came to nothing")).rest(PARKED);
    },
  },
  {
    name: "a session that rests with again each time leaves no more to come however often it is woken with one key",
    async check(place) {
      const { engine, host } = await working(place);
      for (let times = 0; times < 20; times += 1) {
        await engine.wake("s", { key: "k" });
        await place.passTime(DELAY_MS / 10);
        host.restAll({ now: "again", afterMs: DELAY_MS });
      }
      await place.passTime(DELAY_MS);
      must(
        (await host.parkAll(place, QUIET_MS)) <= 5,
        "each wake left an activation that comes again and again",
      );
    },
  },
  {
    name: "wake at a date begins then, and not before",
    async check(place) {
      const { engine, host } = await working(place);
      const askedAt = place.clock.now();
      await engine.wake("s", { at: new Date(Date.now() + DELAY_MS) });
      await place.passTime(DELAY_MS + EARLY_MS);
      const begun = await host.next("the session did not begin");
      must(begun.at - askedAt >= DELAY_MS - EARLY_MS, "it began before its date");
      begun.rest(PARKED);
      await engine.wake("s", { at: new Date(0) });
      await place.passTime(0);
      (await host.next("a date that is over was not taken as now")).rest(PARKED);
    },
  },
  {
    name: "drain takes no more, and waits for those at work",
    async check(place) {
      const engine = await place.open();
      const host = new CaseHost(place.clock);
      const worker = await engine.work(host);
      await engine.wake("s");
      const first = await host.next("the session did not begin");
      let isDrained = false;
      const drained = worker.drain({ graceMs: 60_000 }).then(() => (isDrained = true));
      await engine.wake("another");
      await place.passTime(QUIET_MS);
      must(host.unseen === 0, "a session began after drain()");
      must(!isDrained, "drain() did not wait for the session at work");
      first.rest(PARKED);
      await withPatience(drained, "drain() did not end with the last session");
    },
  },
  {
    name: "drain waits no longer than it was told to",
    async check(place) {
      const engine = await place.open();
      const host = new CaseHost(place.clock);
      const worker = await engine.work(host);
      await engine.wake("s");
      await host.next("the session did not begin");
      const drained = worker.drain({ graceMs: DELAY_MS });
      await place.passTime(DELAY_MS);
      await withPatience(drained, "drain() waits for a session that does not rest");
      await withPatience(engine.close(), "close() waits for a session that does not rest");
    },
  },
  {
    name: "what is woken while nobody works begins with the next worker",
    async check(place) {
      const engine = await place.open();
      const before = await engine.work(new CaseHost(place.clock));
      await before.drain({ graceMs: 0 });
      await engine.wake("s");
      const host = new CaseHost(place.clock);
      await engine.work(host);
      (await host.next("the session did not begin")).rest(PARKED);
    },
  },
];
