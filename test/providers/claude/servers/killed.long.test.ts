// claude() with servers that nobody here wrote: its process is killed by SIGKILL, and another takes the session up.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { expect, it } from "vitest";

import { DIFFERENCES } from "./differences.ts";
import type { Differences } from "./other-server.ts";
import { startOtherServer } from "./other-server.ts";

const PLACES = [
  "once its message is taken",
  "before a tool's effect",
  "after a tool's effect",
  "once its results are told",
] as const;

/** A life of the client: what it printed, or the signal it died of. */
async function live(
  ...given: readonly string[]
): Promise<{ signal: unknown; printed: string; said: string }> {
  const script = join(import.meta.dirname, "killed-client.ts");
  const args = ["--conditions=loophost:source", "--no-warnings", script, ...given];
  const child = spawn(process.execPath, args, { timeout: 60_000 });
  const [printed, said, [, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { signal, printed, said };
}

async function killAndResume(how: Differences, place: (typeof PLACES)[number]) {
  await using server = await startOtherServer(how);
  const folder = await mkdtemp(join(tmpdir(), "killed-"));
  try {
    const first = await live(server.url, folder, place);
    const second = await live(server.url, folder);
    const keys = (await readFile(join(folder, "ledger"), "utf8")).trim().split("\n");
    return { first, second, keys, heard: server.heard, results: server.results };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const each = DIFFERENCES.map(
  ([name, how], index) => [PLACES[index % PLACES.length] ?? PLACES[0], name, how] as const,
);
const all: Differences = Object.assign({}, ...DIFFERENCES.map(([, how]) => how));

it.each([...each, ...PLACES.map((place) => [place, "all of it differs", all] as const)])(
  "a client killed %s is taken up and comes to the right end, at a server of which %s [I2]",
  { timeout: 150_000 },
  async (place, _, how) => {
    const { first, second, keys, heard, results } = await killAndResume(how, place);
    expect(first).toMatchObject({ signal: "SIGKILL", printed: "" });
    expect(second, place).toMatchObject({
      signal: null,
      printed: JSON.stringify({ text: "Results: 2, 4, 6.", ending: "completed" }),
    });
    expect(heard, place).toEqual(["three"]);
    expect(results.toSorted(), place).toEqual(["2", "4", "6"]);
    // One key a call; a call that was under way when its process died runs again, by its own word.
    expect(new Set(keys).size, place).toBe(3);
    expect(keys.length - 3, place).toBeLessThanOrEqual(place === "after a tool's effect" ? 3 : 2);
  },
);
