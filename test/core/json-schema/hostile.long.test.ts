// The same by time, of the processor: each may keep the process from everything else for 50 milliseconds.

import { expect, it } from "vitest";

import { checkJson } from "../../../src/core/json-schema/check.ts";
import { bestCpuMs } from "../../support/cpu-time.ts";
import { HOSTILE } from "../../support/hostile-schemas.ts";

it.each(Object.entries(HOSTILE))("%s: ends in 50 ms [I10]", async (_, [schema, value]) => {
  expect(await bestCpuMs(50, () => checkJson(schema, value))).toBeLessThan(50);
});
