// Workers on machines whose clocks do not agree, over one database: nobody takes from the living, nothing waits for a clock, and no run
// is over before its time.

import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";

import { postgresEngine } from "loophost/engines/postgres";
import { sessions } from "loophost/sessions";
import { describe, expect, it, onTestFinished } from "vitest";

import { newSchema, openedStore } from "../../stores/postgres/schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "../../stores/postgres/server.ts";

const [MINUTE_MS, DAY_MS] = [60_000, 24 * 60 * 60_000];
/** A worker that hangs is found out after 7 s; leases are renewed every 10 s. */
const LONG_MS = 12_000;
/** Workers over one database, and a process that talks to their sessions. */
async function fleet() {
  const { url } = await sharedPostgres();
  const schema = newSchema();
  const app = sessions({ store: openedStore(url, { schema }), engine: postgresEngine(url, { schema }) });
  onTestFinished(() => app.close());
  /** The calls that were begun, each with its worker. */
  const begun: string[] = [];
  const failed: unknown[] = [];
  async function worker(name: string, offByMs: number) {
    const child = fork(new URL("shifted-worker.ts", import.meta.url), [url, schema, String(offByMs)], {
      stdio: "inherit",
      execArgv: ["--conditions=loophost:source"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    child.on("message", (said) => {
      const { began, failed: why } = Object(said);
      if (began !== undefined) begun.push(`${began} by ${name}`);
      if (why !== undefined) failed.push(`${name}: ${why}`);
    });
    await once(child, "message");
    return {
      end: () => child.send("end"),
      async kill() {
        child.kill("SIGKILL");
        await once(child, "exit");
      },
    };
  }
  return { app, begun, failed, worker };
}

describe.skipIf(whyNoPostgres !== undefined)(
  `clocks that do not agree${skipped}`,
  { timeout: 90_000 },
  () => {
    it("take no session from a worker that lives", async () => {
      const { app, begun, failed, worker } = await fleet();
      const workers = [await worker("one", -DAY_MS), await worker("another", DAY_MS)];
      const chats = await Promise.all(Array.from({ length: 6 }, () => app.create("a")));
      for (const chat of chats) await chat.send("call slow {}");
      await expect.poll(() => begun.length).toBe(chats.length);
      await setTimeout(LONG_MS);
      for (const { end } of workers) end();
      for (const chat of chats) expect((await chat.result()).text).toBe("done: at last");
      expect(begun).toHaveLength(chats.length);
      expect(failed).toEqual([]);
    });

    it.each([
      ["ten minutes ahead", 10 * MINUTE_MS],
      ["ten minutes behind", -10 * MINUTE_MS],
      ["a day ahead", DAY_MS],
    ])(
      "let a worker go on that is %s of the one that was killed, with the time its run has left",
      async (_, offByMs) => {
        const { app, begun, failed, worker } = await fleet();
        const first = await worker("first", 0);
        const [chat, idle] = [await app.create("a"), await app.create("a")];
        await idle.send("say hello");
        expect((await idle.result()).text).toBe("hello");
        await chat.send("call slow {}");
        await expect.poll(() => begun).toEqual([`${chat.id} by first`]);
        await first.kill();
        const next = await worker("next", offByMs);
        await expect.poll(() => [...begun, ...failed]).toContain(`${chat.id} by next`);
        next.end();
        expect((await chat.result()).text).toBe("done: at last");
        // And back: what was written by the clock that was off holds nobody up.
        await chat.send("call slow {}");
        await idle.send("say good bye");
        expect((await idle.result()).text).toBe("good bye");
        await expect.poll(() => begun.length).toBe(3);
        await next.kill();
        const last = await worker("last", 0);
        await expect.poll(() => begun.at(-1)).toBe(`${chat.id} by last`);
        last.end();
        expect((await chat.result()).text).toBe("done: at last");
        expect(failed).toEqual([]);
      },
    );
  },
);
