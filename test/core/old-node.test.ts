import { expect, it } from "vitest";

import { refuseOldNode } from "../../src/core/old-node.ts";

it.each(["0.10.48", "18.20.0", "20.20.2", "21.7.3", "22.0.0", "22.12.0"])("refuses Node %s", (version) => {
  expect(() => refuseOldNode(version)).toThrow(
    expect.objectContaining({
      code: "missing_dependency",
      message: `loophost needs Node 22.13 or newer; this is ${version}. Use a newer Node, such as 24.`,
    }),
  );
});

it.each(["22.13.0", "22.13.0-nightly", "23.0.0", "24.21.0", "100.1.0", undefined, "", "unknown", 7])(
  "passes %j",
  (version) => {
    expect(refuseOldNode(version)).toBeUndefined();
  },
);
