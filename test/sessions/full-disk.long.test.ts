// A disk that fills up under sessions at work, and has room again: a small file system of its own, two workers that are processes, posts
// and readers from another. Mounting one needs root.

import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { FollowedEvent, SessionRef } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import { readLog } from "loophost/stores/sessions";
import { expect, it, onTestFinished } from "vitest";

import { openedStore } from "../stores/sqlite/files.ts";

const SIZE = "6m";
const FILLINGS = 3;
const SESSIONS = ["a", "b", "c", "d"];

const whyNot =
  process.platform !== "linux" || process.getuid?.() !== 0 ? "mounting a disk needs root" : mountFault();

function mountFault(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "loophost-disk-"));
  try {
    sh(`mount -t tmpfs -o size=${SIZE} none ${folder}`);
    sh(`umount ${folder}`);
    return undefined;
  } catch {
    return "no disk can be mounted here";
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function sh(command: string): void {
  execFileSync("sh", ["-c", command], { stdio: "pipe" });
}

/** A disk that can be filled. */
function smallDisk() {
  const folder = mkdtempSync(join(tmpdir(), "loophost-disk-"));
  sh(`mount -t tmpfs -o size=${SIZE} none ${folder}`);
  onTestFinished(() => {
    sh(`umount -l ${folder}`);
    rmSync(folder, { recursive: true });
  });
  const ballast = join(folder, "ballast");
  return {
    folder,
    fill: () => {
      const file = openSync(ballast, "a");
      try {
        for (;;) writeSync(file, Buffer.alloc(4_096, 1));
      } catch {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
  };
}

async function startWorker(where: string, ledger: string) {
  const job = { where, engine: "in-process", ledger, ifCrashed: "answer", graceMs: 1_000 };
  const child = fork(new URL("fleet/worker.ts", import.meta.url), [JSON.stringify(job)], {
    execArgv: ["--conditions=loophost:source", "--disable-warning=ExperimentalWarning"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "message");
  return child;
}

it.skipIf(whyNot !== undefined)(
  `loses nothing, does nothing twice and goes on by itself when a full disk has room again${whyNot === undefined ? "" : ` (skipped: ${whyNot})`}`,
  { timeout: 180_000 },
  async () => {
    const { folder, fill, free } = smallDisk();
    const [where, ledger] = [
      join(folder, "app.db"),
      join(mkdtempSync(join(tmpdir(), "loophost-ledger-")), "l"),
    ];
    onTestFinished(() => rmSync(join(ledger, ".."), { recursive: true }));
    writeFileSync(ledger, "");
    const store = openedStore(where);
    await using app = sessions({ store, pollMs: 50 });
    const workers = [await startWorker(where, ledger), await startWorker(where, ledger)];
    const chats = await Promise.all(SESSIONS.map((id) => app.create("stepper", { id })));
    const over = new AbortController();
    onTestFinished(() => over.abort());
    const shown = chats.map((chat) => readAlong(chat, over.signal));
    const accepted: string[] = [];
    const refused: unknown[] = [];
    let posts = 0;
    const post = () =>
      Promise.all(
        chats.map(async (chat) => {
          const key = `key${(posts += 1)}`;
          try {
            await chat.send(`go 3 ${key}`, { key });
            accepted.push(key);
          } catch (thrown) {
            refused.push(thrown);
          }
        }),
      );
    const begun = () => readFileSync(ledger, "utf8").split("\n").slice(0, -1);
    for (let filling = 0; filling < FILLINGS; filling += 1) {
      const before = begun().length;
      await post();
      // Somewhere in the midst of it.
      await expect.poll(() => begun().length).toBeGreaterThan(before + Math.random() * 2 * SESSIONS.length);
      const refusals = refused.length;
      await expect
        .poll(async () => {
          fill();
          await post();
          return refused.length;
        })
        .toBeGreaterThan(refusals + 2 * SESSIONS.length);
      free();
      await post();
      for (const chat of chats) expect((await chat.result()).terminal).toBe("end_turn");
    }
    expect(workers.map(({ exitCode }) => exitCode)).toEqual([null, null]);
    for (const thrown of refused)
      expect(thrown).toMatchObject({ code: "store_failed", message: expect.stringContaining("no room") });
    const calls = begun().map((line) => {
      const { sessionId, callId } = JSON.parse(line) as { sessionId: string; callId: string };
      return `${sessionId} ${callId}`;
    });
    expect(new Set(calls).size).toBe(calls.length);
    const runs: string[] = [];
    for (const [index, { id }] of chats.entries()) {
      let ended = 0;
      for await (const { entry } of readLog(store, id)) {
        const { type } = Object(entry);
        if (type === "run.started") runs.push(...(JSON.stringify(entry).match(/key\d+/g) ?? []));
        if (type === "run.ended") ended += 1;
      }
      const events = shown[index]?.events ?? [];
      await expect.poll(() => events.filter(({ type }) => type === "run.ended").length).toBe(ended);
      expect(new Set(events.map(({ seq }) => seq)).size).toBe(events.length);
    }
    over.abort();
    await Promise.all(shown.map(({ done }) => done));
    expect(runs.toSorted()).toEqual(accepted.toSorted());
  },
);

/** All that is shown so far; a full disk keeps nobody from reading. */
function readAlong(chat: SessionRef, signal: AbortSignal): { events: FollowedEvent[]; done: Promise<void> } {
  const events: FollowedEvent[] = [];
  const read = async () => {
    for await (const event of chat.follow({ deltas: false, signal })) events.push(event);
  };
  return { events, done: read() };
}
