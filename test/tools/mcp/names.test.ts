// Names of MCP tools: legal, unique, and the same whatever the order they come in.

import * as fc from "fast-check";
import { expect, it } from "vitest";

import { nameTools } from "../../../src/tools/mcp/names.ts";

it.each([
  { theirs: ["read"], ours: ["files_read"] },
  { theirs: ["a.b", "c d"], ours: ["files_a_b", "files_c_d"] },
  { theirs: ["a.b", "a/b"], ours: ["files_a_b_108bf50c", "files_a_b_3a8e75c1"] },
  { theirs: ["x".repeat(80)], ours: [`files_${"x".repeat(49)}_67b9d905`] },
])("of $theirs", ({ theirs, ours }) => {
  expect([...nameTools("files", theirs).values()]).toEqual(ours);
});

it("are legal, unique and independent of order, whatever the server calls its tools", () => {
  const name = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom("a", ".", "_"), maxLength: 4 }));
  fc.assert(
    fc.property(fc.uniqueArray(name), fc.constantFrom("", "files", "a".repeat(70)), (theirs, prefix) => {
      const names = nameTools(prefix, theirs);
      const ours = [...names.values()];
      expect(new Set(ours).size).toBe(theirs.length);
      for (const one of ours) expect(one).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      const reversed = nameTools(prefix, theirs.toReversed());
      for (const one of theirs) expect(reversed.get(one)).toBe(names.get(one));
    }),
  );
});
