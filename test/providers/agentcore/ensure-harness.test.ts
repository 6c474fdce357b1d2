// A harness that takes minutes, on a clock set by hand: one budget, every status, and what is left when it fails.

import { expect, it } from "vitest";

import type { WaitStep } from "../../../src/providers/agentcore/control/wait.ts";
import { askedOf, controlled, ROLE } from "./control-support.ts";

const clerk = { harnessName: "Clerk", executionRoleArn: ROLE };

it("makes a harness and waits for it, looking every five seconds, telling of each look [A-210] [A-218]", async () => {
  const { host, control, run, now } = await controlled();
  host.harnesses.pace = { readyAfterMs: 47_000 };
  const steps: WaitStep[] = [];
  const { harness, isNew } = await run(
    control.ensureHarness(clerk, { onProgress: (step) => steps.push(step) && undefined }),
  );
  expect([isNew, harness.status, now()]).toEqual([true, "READY", 50_000]);
  expect(steps).toHaveLength(11);
  expect(steps[0]).toEqual({
    id: harness.harnessId,
    phase: "ready",
    status: "CREATING",
    polls: 1,
    elapsedMs: 0,
  });
  expect(steps.at(-1)).toMatchObject({ status: "READY", polls: 11, elapsedMs: 50_000 });
});

it("uses one of that name that is ready, or on its way, and never deletes it [A-208] [A-216]", async () => {
  const { host, control, run } = await controlled();
  host.harnesses.pace = { readyAfterMs: 10_000 };
  const other = host.harnesses.create(clerk);
  const { harness, isNew } = await run(control.ensureHarness(clerk));
  expect([harness.arn, isNew]).toEqual([other.harness.arn, false]);
  expect(await run(control.ensureHarness(clerk))).toMatchObject({ isNew: false });

  host.harnesses.pace = { readyAfterMs: 5_000, endsAs: "CREATE_FAILED" };
  host.harnesses.create({ ...clerk, harnessName: "Other" });
  await expect(run(control.ensureHarness({ ...clerk, harnessName: "Other" }))).rejects.toMatchObject({
    code: "provision_failed",
    hostCode: "CREATE_FAILED",
  });
  expect(askedOf(host).filter((asked) => asked.startsWith("DELETE"))).toEqual([]);
});

it("waits for one that is being deleted, and makes it again [A-068] [A-208] [A-209]", async () => {
  const { host, control, run, now } = await controlled();
  const old = host.harnesses.create(clerk);
  host.harnesses.pace = { goneAfterMs: 30_000, readyAfterMs: 20_000 };
  host.harnesses.delete(String(old.harness["harnessId"]));
  const { harness, isNew } = await run(control.ensureHarness(clerk));
  expect([isNew, harness.arn === old.harness.arn, now()]).toEqual([true, false, 50_000]);
});

it("spends one budget on the deletion, the creation and the wait for READY [A-210] [A-215]", async () => {
  const { host, control, run, now } = await controlled();
  const old = host.harnesses.create(clerk);
  host.harnesses.pace = { goneAfterMs: 90_000 };
  host.harnesses.delete(String(old.harness["harnessId"]));
  const failed = run(control.ensureHarness(clerk, { timeoutMs: 60_000, pollMs: 5_000 }));
  await expect(failed).rejects.toMatchObject({ code: "provision_timeout", hostCode: "DELETING" });
  await expect(failed).rejects.toThrow(
    /is not gone within 60000 ms. Its last status was DELETING, after 13 looks/,
  );
  expect(now()).toBe(60_000);
  expect(askedOf(host).filter((asked) => asked.startsWith("POST"))).toHaveLength(1);
});

it("looks again only when a whole interval still fits, and by a twelfth of a short budget [A-211] [A-212]", async () => {
  const { host, control, run, now } = await controlled();
  host.harnesses.pace = { readyAfterMs: 1_000_000 };
  const { harness } = host.harnesses.create(clerk);
  const id = String(harness["harnessId"]);
  const polls = async (options: object, stepMs: number) => {
    const before = [host.requests.length, now()] as const;
    await expect(run(control.harnesses.waitUntilReady(id, options), stepMs)).rejects.toMatchObject({
      code: "provision_timeout",
    });
    return [host.requests.length - before[0], now() - before[1]];
  };
  expect(await polls({ timeoutMs: 600 }, 50)).toEqual([13, 600]);
  expect(await polls({ timeoutMs: 12_000 }, 1000)).toEqual([13, 12_000]);
  expect(await polls({ timeoutMs: 12_000, pollMs: 5_000 }, 5000)).toEqual([3, 10_000]);
  expect(await polls({ timeoutMs: 100 }, 50)).toEqual([3, 100]);
});

it("names every status that is final, the unknown ones too, and deletes what it made [A-206] [A-207] [A-216]", async () => {
  for (const endsAs of ["CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED", "DELETING", "HIBERNATING"]) {
    const { host, control, run } = await controlled();
    host.harnesses.pace = { readyAfterMs: 5_000, endsAs };
    const failed = run(control.ensureHarness(clerk));
    await expect(failed).rejects.toMatchObject({ code: "provision_failed", hostCode: endsAs });
    await expect(failed).rejects.toThrow(/is being deleted again/);
    expect(askedOf(host).at(-1)).toMatch(/^DELETE/);
  }
});

it("says so when the name is taken by one that failed, or by one in no list [A-208]", async () => {
  const { host, control, run } = await controlled();
  host.harnesses.pace = { endsAs: "CREATE_FAILED" };
  host.harnesses.create(clerk);
  const failed = run(control.ensureHarness(clerk));
  await expect(failed).rejects.toMatchObject({ code: "provision_failed", hostCode: "CREATE_FAILED" });
  await expect(failed).rejects.toThrow(/Clerk is taken by a harness which is CREATE_FAILED/);
  host.failControl({ is: "refusal", status: 409, type: "ConflictException" });
  await expect(run(control.ensureHarness({ ...clerk, harnessName: "Nobody" }))).rejects.toMatchObject({
    code: "provision_failed",
    hostCode: "ConflictException",
  });
});

it("rolls back one that is still CREATING once it can be deleted, and else says what it left [A-216]", async () => {
  const { host, control, run, now } = await controlled();
  host.harnesses.pace = { readyAfterMs: 55_000 };
  const failed = run(control.ensureHarness(clerk, { timeoutMs: 30_000, pollMs: 5_000 }));
  await expect(failed).rejects.toMatchObject({ code: "provision_timeout", hostCode: "CREATING" });
  await expect(failed).rejects.toThrow(/is being deleted again/);
  expect(now()).toBe(55_000);
  expect(host.harnesses.list(new URLSearchParams())).toMatchObject({ harnesses: [{ harnessName: "Demo" }] });

  host.harnesses.pace = { readyAfterMs: 900_000 };
  const left = run(control.ensureHarness(clerk, { timeoutMs: 6_000, rollbackMs: 60_000 }));
  await expect(left).rejects.toMatchObject({ code: "provision_timeout" });
  await expect(left).rejects.toThrow(/Harness Clerk-\w{10}, which was made for it, is left: delete it/);
});

it("is aborted between two looks, and then waits for no rollback of minutes [A-216]", async () => {
  const { host, control, run, now } = await controlled();
  host.harnesses.pace = { readyAfterMs: 100_000 };
  const stopping = new AbortController();
  const onProgress = ({ polls }: WaitStep) => polls === 3 && stopping.abort();
  const aborted = run(
    control.ensureHarness(clerk, { signal: stopping.signal, onProgress: (step) => void onProgress(step) }),
  );
  await expect(aborted).rejects.toMatchObject({ code: "aborted" });
  await expect(aborted).rejects.toThrow(/is left: delete it/);
  expect(now()).toBeLessThan(30_000);
});

it("tells a look that failed as it is, and takes no other answer for a harness [A-205] [A-207]", async () => {
  const { host, control, run } = await controlled();
  host.harnesses.pace = { readyAfterMs: 60_000 };
  const { harness } = host.harnesses.create(clerk);
  host.failControl({ is: "refusal", status: 403, type: "AccessDeniedException" });
  await expect(run(control.harnesses.waitUntilReady(String(harness["harnessId"])))).rejects.toMatchObject({
    code: "host_rejected",
    status: 403,
  });
  const odd = host.harnesses;
  odd.create = () => ({ harness: { arn: "" } });
  await expect(run(control.ensureHarness({ ...clerk, harnessName: "Odd" }))).rejects.toMatchObject({
    code: "host_protocol",
  });
});
