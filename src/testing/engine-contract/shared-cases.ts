/** The cases of the engine contract about several processes: who is woken where, and what comes of a worker that is lost. */

import type { EngineCase, SharedEnginePlace } from "./case.ts";
import { CaseHost, must, PARKED } from "./case.ts";

const QUIET_MS = 150;

/** What an engine has to do that several processes share. */
export const sharedEngineContract: readonly EngineCase<SharedEnginePlace>[] = [
  {
    name: "a session is woken by one process and runs in another",
    async check(place) {
      const [works, wakes] = [await place.open(), await place.open()];
      const host = new CaseHost(place.clock);
      await works.work(host);
      await wakes.wake("s");
      (await host.next("the session did not begin")).rest(PARKED);
    },
  },
  {
    name: "one activation of a session at a time, whoever wakes it and whoever works",
    async check(place) {
      const engines = [await place.open(), await place.open()];
      const host = new CaseHost(place.clock);
      for (const engine of engines) await engine.work(host);
      await Promise.all(engines.map((engine) => engine.wake("s")));
      const first = await host.next("the session did not begin");
      await Promise.all([...engines, ...engines].map((engine) => engine.wake("s")));
      await place.passTime(QUIET_MS);
      must(host.unseen === 0, "two activations of one session ran at a time");
      first.rest(PARKED);
      (await host.next("the wakes while it ran came to nothing")).rest(PARKED);
      await host.parkAll(place, QUIET_MS);
      must(host.doubled.length === 0, "two activations of one session ran at a time");
    },
  },
  {
    name: "a session whose worker is lost begins again on another",
    async check(place) {
      const [lost, other] = [await place.open(), await place.open()];
      const gone = new CaseHost(place.clock);
      await lost.work(gone);
      await lost.wake("s");
      await gone.next("the session did not begin");
      const host = new CaseHost(place.clock);
      await other.work(host);
      await place.lose(lost);
      (await host.next("the session did not begin on the worker that is left")).rest(PARKED);
    },
  },
  {
    name: "a session that rests with again while its worker drains goes to another",
    async check(place) {
      const [leaves, stays] = [await place.open(), await place.open()];
      const left = new CaseHost(place.clock);
      const worker = await leaves.work(left);
      await leaves.wake("s");
      const first = await left.next("the session did not begin");
      const host = new CaseHost(place.clock);
      await stays.work(host);
      const drained = worker.drain({ graceMs: 10_000 });
      first.rest({ now: "again", afterMs: 0 });
      (await host.next("the session did not begin on the worker that stays")).rest(PARKED);
      await drained;
      must(left.unseen === 0, "the session came back to the worker that drains");
    },
  },
];
