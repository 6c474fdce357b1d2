// What the suite says of servers that nobody here wrote: exactly what was written down beforehand in verdicts.ts.

import { expect, it } from "vitest";

import { runConformance } from "../../../src/conformance/index.ts";
import { startPlantedServer } from "./planted-server.ts";
import { ASKED, PLANTED } from "./verdicts.ts";

it.concurrent.each(PLANTED)(
  "a server that %s gets its verdicts",
  async (_, how, { fail = [], not_tried = [] }) => {
    await using server = await startPlantedServer(how);
    const report = await runConformance({ baseUrl: server.url, only: ASKED, tier: 1, timeoutMs: 1_500 });
    const named = (outcome: string) =>
      report.checks.filter((check) => check.outcome === outcome).map(({ id }) => id);
    expect({
      fail: named("fail").toSorted(),
      not_tried: named("not_tried").toSorted(),
      skip: named("skip"),
    }).toEqual({
      fail: fail.toSorted(),
      not_tried: not_tried.toSorted(),
      skip: [],
    });
    const untold = report.checks.filter(
      ({ outcome, whyNot, came }) =>
        outcome === "not_tried" && !(whyNot?.includes("could not be had") && came?.startsWith("501")),
    );
    expect(untold).toEqual([]);
    expect(report.checks.length).toBe(CHECKS);
  },
);

/** The checks of the areas and names that are asked. */
const CHECKS = 57;
