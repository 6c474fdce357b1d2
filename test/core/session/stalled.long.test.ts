// Deadlines that pass while the process is stopped, as a laptop's lid or SIGSTOP does: what had arrived by then counts.

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { expect, it, onTestFinished } from "vitest";

const CLIENT = fileURLToPath(new URL("stalled-client.ts", import.meta.url));
/** The client's limits, and then some. */
const LONGER_THAN_ITS_LIMIT_MS = 3_500;

const CHUNK = { choices: [{ delta: { content: "in time" }, finish_reason: "stop" }] };
const ANSWER = `data: ${JSON.stringify(CHUNK)}\n\ndata: [DONE]\n\n`;

/** Stops a client once it has asked, answers or not, and lets it go on after its deadline; what became of its run. */
async function stalled(waits: "model" | "tool", isAnswered: boolean): Promise<string> {
  const asked = Promise.withResolvers<ServerResponse>();
  const server = createServer((_, response) => asked.resolve(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const args = ["--conditions=loophost:source", CLIENT, waits, url];
  const client = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => {
    client.kill("SIGKILL");
    server.closeAllConnections();
    server.close();
  });
  const came = text(client.stdout);
  const response = await Promise.race([asked.promise, came.then((said) => Promise.reject(new Error(said)))]);
  client.kill("SIGSTOP");
  await expect.poll(async () => stateOf(await readFile(`/proc/${client.pid}/stat`, "utf8"))).toBe("T");
  if (isAnswered) response.writeHead(200, { "content-type": "text/event-stream" }).end(ANSWER);
  // The deadline is the machine's: it passes by itself alone.
  await sleep(LONGER_THAN_ITS_LIMIT_MS);
  client.kill("SIGCONT");
  return came;
}

/** The state of a process: `T` is stopped. */
function stateOf(stat: string): string | undefined {
  return stat.slice(stat.lastIndexOf(")") + 2)[0];
}

it.runIf(process.platform === "linux").each(["model", "tool"] as const)(
  "an answer for the %s that came before the process was continued counts [I6]",
  async (waits) => {
    expect(await stalled(waits, true)).toContain("in time");
  },
);

it.runIf(process.platform === "linux").each([
  ["model", "timeout"],
  ["tool", "timed out"],
] as const)("where nothing came for the %s, the deadline is told at once", async (waits, told) => {
  expect((await stalled(waits, false)).toLowerCase()).toContain(told);
});
