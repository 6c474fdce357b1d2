// Two workers and a web process over one store, and a person who follows a session while its workers are killed with
// SIGKILL, one after another. Every step is done once, and the follower sees each once. One command:
//
//   node examples/fleet/main.ts                                   over a SQLite file
//   DATABASE_URL=postgres://… node examples/fleet/main.ts         over PostgreSQL

import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const folder = await mkdtemp(join(tmpdir(), "loophost-fleet-"));
const processes = new Set<ChildProcessByStdio<null, Readable, null>>();

/** Starts a process of the fleet; gives the first line it says, too. */
async function start(name: string): Promise<{ lines: Interface; kill: () => void; first: string }> {
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, file], {
    env: { ...process.env, FLEET_FOLDER: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  processes.add(child);
  const lines = createInterface(child.stdout);
  const [first] = await once(lines, "line");
  return { lines, first: String(first), kill: () => void child.kill("SIGKILL") };
}

/** Over these a worker is killed. A step that three have died of would be answered with an error. */
const deadly = new Set(["step_2", "step_4", "step_5"]);

/** A worker that is killed over such a step, and replaced. */
async function startWorker(): Promise<void> {
  const worker = await start("worker");
  worker.lines.on("line", (line) => {
    console.log(`            a worker begins ${line}`);
    if (!deadly.delete(line.split(" ")[1] ?? "")) return;
    console.log("            … and is killed");
    worker.kill();
    startWorker().catch((thrown: unknown) => assert.fail(String(thrown)));
  });
}

try {
  await Promise.all([startWorker(), startWorker()]);
  const [, port] = (await start("web")).first.split(" ");
  const job = `http://127.0.0.1:${port}/jobs/job-${Date.now()}`;
  // Sent twice, as by a client that had no answer; delivered once.
  for (const isNew of [true, false]) {
    const reply = await fetch(job, { method: "POST", body: "Do the job." });
    assert.equal(JSON.parse(await reply.text()).isNew, isNew);
  }

  const seen: { readonly type: string; readonly id?: string; readonly text?: string }[] = [];
  const { body } = await fetch(job);
  assert.ok(body);
  let rest = "";
  for await (const piece of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = JSON.parse(line);
      seen.push(event);
      if (event.type === "tool.finished") console.log(`${event.id} is done`);
    }
  }

  const finished = seen.filter(({ type }) => type === "tool.finished").map(({ id }) => id);
  assert.deepEqual(finished, ["step_1", "step_2", "step_3", "step_4", "step_5", "step_6"]);
  assert.equal(seen.filter(({ type }) => type === "message").at(-1)?.text, "All 6 steps are done.");
  assert.equal(seen.at(-1)?.type, "run.ended");
  assert.equal((await readdir(join(folder, "done"))).length, 6);
  assert.equal(deadly.size, 0);
  console.log("All 6 steps are done, each once; 3 workers were killed over it.");
} finally {
  const alive = [...processes].filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  const ended = alive.map((child) => once(child, "exit"));
  for (const child of alive) child.kill("SIGKILL");
  await Promise.all(ended);
  await rm(folder, { recursive: true, force: true });
}
