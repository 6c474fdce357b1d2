// How old a session has to be to be pruned, as it is typed, and what is passed over.

import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { listSessions } from "loophost/stores/sessions";
import { expect, it, vi } from "vitest";

import { prune, readAge } from "../../../src/cli/sessions/prune.ts";

it("reads spans with a unit, and nothing else", () => {
  expect(["90s", "90m", "12h", "30d", "2w"].map(readAge)).toEqual([
    90_000, 5_400_000, 43_200_000, 2_592_000_000, 1_209_600_000,
  ]);
  for (const text of [undefined, "", "30", "d", "-1d", "1.5d", "1e3d", "30 d", "30D", "99999999d"])
    expect(() => readAge(text)).toThrow("prune needs --older-than with a span such as 30d, 12h or 90m");
});

it("passes over a session of an older release whose id no store keeps any more, and deletes those behind it", async () => {
  const memory = memoryStore();
  await using app = sessions({ store: memory });
  for (const id of ["a", "z"]) await app.create("support", { id });
  const { records } = memory;
  const odd = {
    sessionId: "m\0",
    agent: "support",
    provider: "",
    status: "idle",
    runs: 0,
    waiting: [],
    updatedAt: 1,
  };
  const list: typeof records.list = async (collection, after, limit) => {
    const found = await records.list(collection, after, limit);
    return found.flatMap((one) => (one.key === "z" ? [{ key: "m\0", value: odd }, one] : [one]));
  };
  const store = { ...memory, records: { ...records, list } };
  const said = vi.spyOn(console, "error").mockReturnValue(undefined);
  const gone = await Array.fromAsync(prune({ store } as never, Date.now() + 1_000, false));
  expect(gone).toEqual([expect.stringContaining("a  support"), expect.stringContaining("z  support")]);
  expect(said.mock.lastCall?.[0]).toContain("1 as old stay");
  said.mockRestore();
  expect(await listSessions(memory)).toEqual([]);
});
