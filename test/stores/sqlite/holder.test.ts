// Whose lease keeps others out: the living, and those of whom nothing can be told.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

import type { Holder } from "../../../src/stores/sqlite/holder.ts";
import { isGone, nameOf, OURSELVES } from "../../../src/stores/sqlite/holder.ts";
import { newStorePath, openedStore } from "./files.ts";

const OTHER: Holder = { world: "boot-1/pid:[1]", pid: 4711, started: "100" };

it("takes a process for gone only where its number means something", () => {
  const name = nameOf(OTHER);
  const seen = (now: Partial<Holder>) => isGone(name, (pid) => ({ ...OTHER, pid, ...now }));
  expect(seen({})).toBe(false);
  expect(seen({ started: "" })).toBe(true);
  expect(seen({ started: "200" })).toBe(true); // its number was used again
  expect(seen({ world: "boot-2/pid:[1]", started: "" })).toBe(false);
  expect(seen({ world: "boot-1/pid:[2]", started: "" })).toBe(false); // alive, in another container
  expect(seen({ world: "", started: "" })).toBe(false);
  expect(isGone("")).toBe(false);
  expect(isGone("garbage")).toBe(false);
  expect(isGone(OURSELVES)).toBe(false);
});

it.runIf(OURSELVES !== "")("frees the sessions of a process that was killed, at once", async () => {
  const path = newStorePath();
  const program = fileURLToPath(new URL("owner.ts", import.meta.url));
  const owner = spawn(process.execPath, [program, path], { stdio: ["ignore", "pipe", "inherit"] });
  await once(owner.stdout, "data");
  const { log } = openedStore(path);
  const lease = { owner: "the test", ttlMs: 60_000 };
  await expect(log.claim("s", lease)).rejects.toMatchObject({ code: "session_owned" });
  owner.kill("SIGKILL");
  await once(owner, "exit");
  expect(await log.claim("s", lease)).toBe(2);
});

it("shortens a lease that was given by a clock ahead of ours", async () => {
  const path = newStorePath();
  const ahead = openedStore(path, { now: () => 3_600_000 });
  await ahead.log.claim("s", { owner: "ahead", ttlMs: 30_000 });
  let now = 0;
  const { log } = openedStore(path, { now: () => now });
  const lease = { owner: "the test", ttlMs: 30_000 };
  await expect(log.claim("s", lease)).rejects.toMatchObject({ code: "session_owned" });
  now = 29_999;
  await expect(log.claim("s", lease)).rejects.toMatchObject({ code: "session_owned" });
  now = 30_000;
  expect(await log.claim("s", lease)).toBe(2);
});
