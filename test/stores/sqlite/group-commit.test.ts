// Writes that share a transaction: how many, when they settle, and who fails when something goes wrong.

import { LoophostError } from "loophost";
import { describe, expect, it } from "vitest";

import { GroupCommit } from "../../../src/stores/sqlite/group-commit.ts";

/** Transactions that write down what becomes of them, and fail as they are told. */
function transactions({ failing = () => false }: { failing?: (step: string, nth: number) => boolean } = {}) {
  const steps: string[] = [];
  const step = (name: string) => {
    steps.push(name);
    if (failing(name, steps.filter((other) => other === name).length)) throw new Error(`${name} failed`);
  };
  const group = new GroupCommit({
    begin: async (work) => {
      step("begin");
      queueMicrotask(() => steps.includes("watched") && steps.push("a reader"));
      return work();
    },
    commit: () => step("commit"),
    rollback: () => void steps.push("rollback"),
  });
  const write = (name: string) => group.add(() => (step(name), name));
  return { group, steps, write };
}

describe("group commit", () => {
  it("writes what is asked for in one turn in one transaction, in order, and settles after it", async () => {
    const { steps, write } = transactions();
    const first = write("a").then(() => steps.push("a settled"));
    // Other callbacks of the same turn, microtasks among them, are in time.
    await Promise.resolve();
    await Promise.all([first, write("b"), write("c")]);
    expect(steps).toEqual(["begin", "a", "b", "c", "commit", "a settled"]);
  });

  it("lets no reader in between its beginning and its end: one that failed would undo it", async () => {
    const { steps, write } = transactions({ failing: (step) => step === "a" });
    steps.push("watched");
    await Promise.allSettled([write("a"), write("b")]);
    const alone = ["begin", "a", "rollback", "a reader", "begin", "b", "commit", "a reader"];
    expect(steps).toEqual(["watched", "begin", "a", "rollback", "a reader", ...alone]);
  });

  it("writes what is asked for meanwhile in the next one", async () => {
    const { group, steps, write } = transactions();
    const first = group.add(() => write("b"));
    await write("a");
    await first;
    await group.flushed();
    expect(steps).toEqual(["begin", "a", "commit", "begin", "b", "commit"]);
  });

  it("puts no more than 500 into one", async () => {
    const { group, steps, write } = transactions();
    const writes = Array.from({ length: 1_200 }, (_, n) => write(String(n)));
    await group.flushed();
    await Promise.all(writes);
    expect(steps.filter((name) => name === "commit")).toHaveLength(3);
  });

  it("refuses one without undoing the others", async () => {
    const { group, steps, write } = transactions();
    const refused = group.add(() => {
      throw new LoophostError("stale_owner", "too late");
    });
    await Promise.all([write("a"), expect(refused).rejects.toThrow("too late"), write("b")]);
    expect(steps).toEqual(["begin", "a", "b", "commit"]);
  });

  it("fails the culprit alone when a write breaks", async () => {
    const { steps, write } = transactions({ failing: (name) => name === "bad" });
    await Promise.all([write("a"), expect(write("bad")).rejects.toThrow("bad failed"), write("b")]);
    expect(steps.join(" ")).toBe("begin a bad rollback begin a commit begin bad rollback begin b commit");
  });

  it("tries each by itself when the commit fails", async () => {
    const { write } = transactions({ failing: (name, nth) => name === "commit" && nth <= 2 });
    await Promise.all([expect(write("a")).rejects.toThrow("commit failed"), write("b")]);
  });

  it("fails all when no transaction is to be had, and goes on with the next", async () => {
    const { steps, write } = transactions({ failing: (name, nth) => name === "begin" && nth === 1 });
    const failed = [write("a"), write("b")].map((one) => expect(one).rejects.toThrow("begin failed"));
    await Promise.all(failed);
    await write("c");
    expect(steps).toEqual(["begin", "begin", "c", "commit"]);
  });
});
