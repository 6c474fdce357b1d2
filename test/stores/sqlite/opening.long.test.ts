// A new file that several open at the same moment: SQLite refuses some of them at once, without the wait it was told.

import { once } from "node:events";
import { Worker } from "node:worker_threads";

import { expect, it } from "vitest";

import { newStorePath } from "./files.ts";

it("opens for all who come at once", { timeout: 120_000 }, async () => {
  const openers = Array.from(
    { length: 4 },
    () => new Worker(new URL("opener.ts", import.meta.url), { execArgv: [] }),
  );
  const path = newStorePath();
  const failures: unknown[] = [];
  for (let round = 0; round < 100; round += 1) {
    const said = openers.map((opener) => once(opener, "message"));
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
    for (const opener of openers) opener.postMessage(`${path}${round}`);
    failures.push(...(await Promise.all(said)).flat().filter((failure) => failure !== ""));
  }
  for (const opener of openers) await opener.terminate();
  expect(failures).toEqual([]);
});
