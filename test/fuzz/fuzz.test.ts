// The short form; 10,000 replies with a count of the branches they reach: npm run fuzz, and fuzz.long.test.ts.

import { expect, it } from "vitest";

import { fuzz } from "./fuzz.ts";

it("never runs a tool with input that was not sent, whatever a service sends", async () => {
  const endings = await fuzz({ seed: 20_261_130, replies: 400 });
  const seen = [...endings.keys()];
  for (const wire of ["chat", "messages"])
    for (const ending of ["completed", "max_tokens", "refusal", "host_rejected", "host_unreachable"])
      expect(seen).toContain(`${wire}: ${ending}`);
});
