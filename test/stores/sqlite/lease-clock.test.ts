// The clock of the machine is set while leases are held: nobody who lives loses one by it.

import { expect, it, onTestFinished, vi } from "vitest";

import { newStorePath, openedStore } from "./files.ts";

const HOUR_MS = 60 * 60_000;
const LEASE = { owner: "the test", ttlMs: 30_000 };
const owned = { code: "session_owned" };

/** Two stores on a file, by clocks that are moved by hand. */
function twoStores() {
  const path = newStorePath();
  const by = { wallMs: 0, evenMs: 0 };
  const [wall, even] = [Date.now, performance.now.bind(performance)];
  const spies = [
    vi.spyOn(Date, "now").mockImplementation(() => wall() + by.wallMs + by.evenMs),
    vi.spyOn(performance, "now").mockImplementation(() => even() + by.evenMs),
  ];
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore();
  });
  return {
    owner: openedStore(path).log,
    other: openedStore(path).log,
    jump: (ms: number) => void (by.wallMs += ms),
    passes: (ms: number) => void (by.evenMs += ms),
  };
}

it.for([
  ["ahead", HOUR_MS],
  ["back", -HOUR_MS],
] as const)("lets an owner keep what it renews in time when it is set %s by an hour", async ([, ms]) => {
  const { owner, other, jump, passes } = twoStores();
  const fence = await owner.claim("s", LEASE);
  for (const back of [1, -1]) {
    jump(back * ms);
    await expect(other.claim("s", LEASE)).rejects.toMatchObject(owned);
    passes(10_000);
    await expect(other.claim("s", LEASE)).rejects.toMatchObject(owned);
    await owner.renew("s", fence, LEASE.ttlMs);
    passes(29_000);
    await expect(other.claim("s", LEASE)).rejects.toMatchObject(owned);
    await owner.renew("s", fence, LEASE.ttlMs);
  }
  expect(await owner.append("s", fence, [1])).toBe(1);
});

it("lets others have what an owner that hangs does not renew", async () => {
  const { owner, other, jump, passes } = twoStores();
  const fence = await owner.claim("s", LEASE);
  jump(HOUR_MS);
  await expect(other.claim("s", LEASE)).rejects.toMatchObject(owned);
  passes(15_000);
  expect(await other.claim("s", LEASE)).toBeGreaterThan(fence);
});

it("keeps nobody from what was released", async () => {
  const { owner, other, jump } = twoStores();
  const fence = await owner.claim("s", LEASE);
  await owner.release("s", fence);
  jump(HOUR_MS);
  expect(await other.claim("s", LEASE)).toBeGreaterThan(fence);
});
