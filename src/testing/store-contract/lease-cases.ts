/** The cases of the store contract about who owns a log, and for how long. */

import { LoophostError, messageOf } from "../../core/errors.ts";
import type { Lease } from "../../core/store.ts";
import type { StoreCase } from "./case.ts";
import { equal, rejects } from "./case.ts";
import { ANYBODY, numbered } from "./samples.ts";

// Short enough that a store whose clock cannot be set may be tested by waiting.
const TTL_MS = 1_000;

const OWNER: Lease = { owner: "the first owner", ttlMs: TTL_MS };
const RIVAL: Lease = { owner: "a rival", ttlMs: TTL_MS };

/** What every store has to do about the owners of a log. */
export const leaseCases: readonly StoreCase[] = [
  {
    name: "log.claim gives a higher number each time, to whoever asks",
    async check(open) {
      const [one, other] = [await open(), await open()];
      const fences = [
        await one.log.claim("s", ANYBODY),
        await other.log.claim("s", ANYBODY),
        await one.log.claim("s", ANYBODY),
      ];
      equal(
        fences,
        [...new Set(fences)].toSorted((a, b) => a - b),
        "the fencing numbers do not rise",
      );
    },
  },
  {
    name: "log.claim gives different numbers to those who ask at once",
    async check(open) {
      const stores = [await open(), await open()];
      const claims = [...stores, ...stores, ...stores].map(({ log }) => log.claim("s", ANYBODY));
      const fences = await Promise.all(claims);
      equal(new Set(fences).size, fences.length, "two owners have the same fencing number");
    },
  },
  {
    name: "log.claim refuses everybody while a lease is alive, and names its owner",
    async check(open, passTime) {
      const [mine, rivals] = [await open(), await open()];
      const fence = await mine.log.claim("s", OWNER);
      const refused = await rejects(() => rivals.log.claim("s", RIVAL), "session_owned");
      equal(refused.message.includes(OWNER.owner), true, `the refusal names no owner: "${refused.message}"`);
      await rejects(() => mine.log.claim("s", OWNER), "session_owned");
      await passTime(TTL_MS / 2);
      await rejects(() => rivals.log.claim("s", RIVAL), "session_owned");
      equal(await mine.log.append("s", fence, ["a"]), 1, "a refused claim hurt the owner");
      await rivals.log.claim("another", RIVAL);
    },
  },
  {
    name: "log.claim lets one of those in who ask for a lease at once",
    async check(open) {
      const stores = [await open(), await open()];
      const claims = [...stores, ...stores, ...stores].map(({ log }) => log.claim("s", OWNER));
      const outcomes = await Promise.allSettled(claims);
      const codes = outcomes.map((outcome) => {
        if (outcome.status === "fulfilled") return "owner";
        return outcome.reason instanceof LoophostError ? outcome.reason.code : messageOf(outcome.reason);
      });
      const others = Array.from({ length: claims.length - 1 }, () => "session_owned");
      equal(codes.toSorted(), ["owner", ...others], "not exactly one got the lease and the others a refusal");
    },
  },
  {
    name: "log.claim succeeds once the lease lapsed, for its holder too",
    async check(open, passTime) {
      const [mine, rivals] = [await open(), await open()];
      const first = await mine.log.claim("s", OWNER);
      await passTime(TTL_MS);
      const second = await mine.log.claim("s", OWNER);
      await passTime(TTL_MS);
      const third = await rivals.log.claim("s", RIVAL);
      equal(first < second && second < third, true, "the fencing numbers do not rise");
      await rejects(() => mine.log.append("s", second, ["late"]), "stale_owner");
    },
  },
  {
    name: "log.claim by force replaces an owner whose lease is alive",
    async check(open) {
      const [mine, rivals] = [await open(), await open()];
      const fence = await mine.log.claim("s", OWNER);
      const forced = await rivals.log.claim("s", { ...RIVAL, force: true });
      equal(forced > fence, true, "the fencing number does not rise");
      await rejects(() => mine.log.append("s", fence, ["late"]), "stale_owner");
      const refused = await rejects(() => mine.log.claim("s", OWNER), "session_owned");
      equal(
        refused.message.includes(RIVAL.owner),
        true,
        `the refusal names the wrong owner: "${refused.message}"`,
      );
      equal(await rivals.log.append("s", forced, ["a"]), 1, "the new owner cannot write");
    },
  },
  {
    name: "log.claim without an end holds until it is released",
    async check(open, passTime) {
      const [mine, rivals] = [await open(), await open()];
      const fence = await mine.log.claim("s", { ...OWNER, ttlMs: Number.POSITIVE_INFINITY });
      await passTime(5 * TTL_MS);
      await rejects(() => rivals.log.claim("s", RIVAL), "session_owned");
      await mine.log.release("s", fence);
      await rivals.log.claim("s", RIVAL);
    },
  },
  {
    name: "log.append and log.renew go on after the lease lapsed, until somebody else claims",
    async check(open, passTime) {
      const [mine, rivals] = [await open(), await open()];
      const fence = await mine.log.claim("s", OWNER);
      await passTime(TTL_MS);
      equal(await mine.log.append("s", fence, ["a"]), 1, "an owner nobody replaced was refused");
      await mine.log.renew("s", fence, TTL_MS);
      await rejects(() => rivals.log.claim("s", RIVAL), "session_owned");
    },
  },
  {
    name: "log.renew makes the lease lapse later, or sooner",
    async check(open, passTime) {
      const [mine, rivals] = [await open(), await open()];
      const fence = await mine.log.claim("s", OWNER);
      await passTime(TTL_MS / 2);
      await mine.log.renew("s", fence, 2 * TTL_MS);
      await passTime(TTL_MS);
      const refused = await rejects(() => rivals.log.claim("s", RIVAL), "session_owned");
      equal(refused.message.includes(OWNER.owner), true, `the refusal names no owner: "${refused.message}"`);
      await mine.log.renew("s", fence, 0);
      await rivals.log.claim("s", RIVAL);
    },
  },
  {
    name: "log.renew refuses an owner who was replaced, and leaves the new one his lease",
    async check(open, passTime) {
      const [mine, rivals] = [await open(), await open()];
      const fence = await mine.log.claim("s", OWNER);
      await rivals.log.claim("s", { ...RIVAL, force: true });
      await rejects(() => mine.log.renew("s", fence, 5 * TTL_MS), "stale_owner");
      await passTime(TTL_MS);
      await mine.log.claim("s", OWNER);
      await rejects(() => rivals.log.renew("unknown", 1, TTL_MS), "stale_owner");
    },
  },
  {
    name: "log.release lets the next owner in at once, and ends what the last one may do",
    async check(open) {
      const [mine, rivals] = [await open(), await open()];
      const fence = await mine.log.claim("s", OWNER);
      await mine.log.append("s", fence, ["a"]);
      await mine.log.release("s", fence);
      await rejects(() => mine.log.renew("s", fence, TTL_MS), "stale_owner");
      await rejects(() => mine.log.append("s", fence, ["late"]), "stale_owner");
      const next = await rivals.log.claim("s", RIVAL);
      equal(next > fence, true, "the fencing number does not rise");
      equal(
        await rivals.log.append("s", next, ["b"]),
        2,
        "the next owner does not go on where the last ended",
      );
    },
  },
  {
    name: "log.release leaves alone what belongs to others, or to nobody",
    async check(open) {
      const [mine, rivals] = [await open(), await open()];
      const fence = await mine.log.claim("s", ANYBODY);
      const next = await rivals.log.claim("s", RIVAL);
      await mine.log.release("s", fence);
      await rejects(() => mine.log.claim("s", OWNER), "session_owned");
      await rivals.log.append("s", next, ["a"]);
      await rivals.log.release("s", next);
      await rivals.log.release("s", next);
      await rivals.log.release("unknown", 1);
      equal(await mine.log.read("s", 0, 10), numbered(["a"]), "the log differs from what was appended");
    },
  },
];
