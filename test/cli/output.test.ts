// Output that cannot be written, and a Node without what is needed: one line, and an exit code that tells.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { isBlockedByFetch } from "../../src/cli/fetch-ports.ts";
import { loophost, modelServer } from "./loophost.ts";

const SUPPORT = fileURLToPath(import.meta.resolve("./agents/support.ts"));
const FULL = "/dev/full";

let folder = "";
let store = "";
let id = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loophost-output-"));
  store = join(folder, "sessions.db");
  await using model = await modelServer({ text: "Hello." });
  const { stderr } = await loophost(["run", SUPPORT, "hi", "--store", store], { env: model.env });
  id = /^session (\S+) in /m.exec(stderr)?.[1] ?? "";
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(!existsSync(FULL))("on a full disk", () => {
  it.each(["run", "run --json", "sessions", "show", "export", "--help", "run --help"])(
    "says once that the output of %s cannot be written, and ends with 1",
    async (what) => {
      const args: Record<string, string[]> = {
        run: ["run", SUPPORT, "hi"],
        "run --json": ["run", SUPPORT, "hi", "--json"],
        sessions: ["sessions", "--store", store],
        show: ["sessions", "show", id, "--store", store],
        export: ["sessions", "export", id, "--store", store],
      };
      await using model = await modelServer({ text: "Hello." });
      const { code, stderr } = await loophost(args[what] ?? what.split(" "), { env: model.env, into: FULL });
      expect(stderr.match(/^loophost: .*$/gm)).toEqual([
        "loophost: The output cannot be written: ENOSPC: no space left on device, write",
      ]);
      expect(code).toBe(1);
    },
  );
});

it.each(["run", "serve", "sessions"])("says which Node a store needs, for %s", async (command) => {
  const args = command === "run" ? ["run", SUPPORT, "hi"] : [command];
  const env = { NODE_OPTIONS: "--no-experimental-sqlite", LOOPHOST_STORE: store };
  const { code, stderr } = await loophost(args, { env });
  expect(stderr).toBe(
    "loophost: A store in a file needs node:sqlite, which this runtime does not have. Use Node 22.13 or newer without --no-experimental-sqlite, or memoryStore().\n",
  );
  expect(code).toBe(4);
});

it("knows the ports that fetch refuses, and no others", async () => {
  // What fetch sends its requests by, in Node; none of these gets onto a network.
  const init: object = {
    dispatcher: {
      dispatch() {
        throw new Error("it would connect");
      },
    },
  };
  for (let port = 1; port < 12_000; port += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other costs less than all at once
    const refusal: unknown = await fetch(`http://127.0.0.1:${port}`, init).catch((thrown: unknown) =>
      thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause.message : "",
    );
    expect([port, isBlockedByFetch(port)]).toEqual([port, refusal === "bad port"]);
  }
});
