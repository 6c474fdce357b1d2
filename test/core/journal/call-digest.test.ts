import { createHash } from "node:crypto";

import * as fc from "fast-check";
import { expect, it, vi } from "vitest";

import type * as callDigests from "../../../src/core/journal/call-digest.ts";
import { callDigest, loadDigest } from "../../../src/core/journal/call-digest.ts";
import { sha256 } from "../../../src/core/journal/sha256.ts";

it("is the SHA-256 of name and input", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), fc.nat(300), (name, count) => {
      const input = "é".repeat(count);
      const expected = createHash("sha256")
        .update(JSON.stringify([name, input]))
        .digest("hex");
      expect(callDigest({ name, input })).toBe(expected);
      expect(sha256(JSON.stringify([name, input]))).toBe(expected);
    }),
  );
});

it("is the same in a runtime without node:crypto, once it is loaded there", async () => {
  const call = { name: "pay", input: { euros: 5 } };
  expect(loadDigest()).toBe(undefined);
  vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
  // The query makes it another module, which looks for node:crypto once more.
  const path = "../../../src/core/journal/call-digest.ts?elsewhere";
  const there: typeof callDigests = await import(path);
  await there.loadDigest();
  expect(there.callDigest(call)).toBe(callDigest(call));
});

it("is the same whatever the order of keys, and another for any other input", () => {
  const a = { name: "pay", input: { to: { iban: 1, name: 2 }, euros: [5, 6] } };
  const b = { name: "pay", input: { euros: [5, 6], to: { name: 2, iban: 1 } } };
  expect(callDigest(a)).toBe(callDigest(b));
  for (const input of [{ to: { iban: 1, name: 2 }, euros: [6, 5] }, {}, null, undefined, "5"])
    expect(callDigest({ name: "pay", input })).not.toBe(callDigest(a));
});
