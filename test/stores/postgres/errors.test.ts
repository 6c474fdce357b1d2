// What an error of the database, or of the connection to it, is taken for: a retry that helps, damage, or a plain failure.

import { LoophostError } from "loophost";
import { describe, expect, it } from "vitest";

import {
  isConflict,
  isHeldUp,
  isLost,
  isUnprepared,
  storeFailed,
} from "../../../src/stores/postgres/errors.ts";

const withCode = (code: string, message = "…") => Object.assign(new Error(message), { code });

describe("an error of the database", () => {
  it.each([
    [withCode("08006"), "lost"],
    [withCode("57P01"), "lost"],
    [withCode("ECONNRESET"), "lost"],
    [new Error("Connection terminated unexpectedly"), "lost"],
    [new Error("a bug of ours"), "nothing"],
    // What a statement says of itself is no word about the connection.
    [withCode("22012", "timeout by zero"), "nothing"],
    [withCode("40001"), "conflict"],
    [withCode("40P01"), "conflict"],
    [withCode("55P03"), "held up"],
    [withCode("57014", "canceling statement due to user request"), "held up"],
    [withCode("26000"), "unprepared"],
    [withCode("42P05"), "unprepared"],
    [withCode("0A000", "cached plan must not change result type"), "unprepared"],
    [withCode("0A000", "cannot access temporary or unlogged relations during recovery"), "lost"],
    [withCode("0A000", "not supported"), "nothing"],
  ])("%s means %s", (thrown, what) => {
    const told = {
      lost: isLost(thrown),
      conflict: isConflict(thrown),
      "held up": isHeldUp(thrown),
      unprepared: isUnprepared(thrown),
    };
    const meant = Object.entries(told).flatMap(([name, isSo]) => (isSo ? [name] : []));
    expect(meant).toEqual(what === "nothing" ? [] : [what]);
  });

  it("says what failed, where and why, and tells damage from all else", () => {
    const told = (thrown: unknown) => storeFailed(thrown, "a place", "It could not be read");
    expect(told(withCode("XX001"))).toMatchObject({
      code: "store_damaged",
      message: "It could not be read: the database is damaged (a place).",
    });
    expect(told(withCode("XX002")).code).toBe("store_damaged");
    for (const code of ["XX000", "42501", "constructor"])
      expect(told(withCode(code)).code, code).toBe("store_failed");
    const refused = new LoophostError("stale_owner", "…");
    expect(told(refused)).toBe(refused);
  });
});
