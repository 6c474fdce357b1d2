// A process that puts a file and gets it back, and says how much memory that took beyond what it had after a small one.

import { createHash } from "node:crypto";

import { artifacts } from "loophost/artifacts";
import { claude } from "loophost/providers/claude";
import { local } from "loophost/providers/local";

const MB = 1024 * 1024;
const [, , host = "", where = "", size = "0"] = process.argv;
const provider =
  host === "local" ? local({ model: () => "", artifactsFolder: where }) : claude({ baseUrl: where });
const files = artifacts(provider, "session_1");

/** Bytes that are made as they are read, and hashed on their way. */
async function* made(bytes: number, hash: ReturnType<typeof createHash>) {
  for (let left = bytes, index = 0; left > 0; index += 1) {
    const piece = Buffer.alloc(Math.min(left, 64 * 1024), `piece ${index} of it. `);
    left -= piece.length;
    hash.update(piece);
    yield piece;
  }
}

async function transfer(name: string, bytes: number) {
  const [put, got] = [createHash("sha256"), createHash("sha256")];
  const { size: bytesIn } = await files.put(name, made(bytes, put));
  let bytesOut = 0;
  for await (const piece of (await files.get(name)).stream) {
    bytesOut += piece.byteLength;
    got.update(piece);
  }
  return { bytesIn, bytesOut, isSame: put.digest("hex") === got.digest("hex") };
}

// What loading, compiling and the first buffers take is there after a smaller one.
await transfer("small.bin", 24 * MB);
globalThis.gc?.();
const before = process.memoryUsage().rss;
let peak = before;
// What waits to be collected says more of the collector's mood than of what is held.
const watch = setInterval(() => {
  globalThis.gc?.();
  peak = Math.max(peak, process.memoryUsage().rss);
}, 20);
const startedAt = performance.now();
const report = await transfer("large.bin", Number(size));
clearInterval(watch);
const seconds = (performance.now() - startedAt) / 1_000;
const growthMb = Math.round((peak - before) / MB);
process.send?.(
  { ...report, growthMb, beforeMb: Math.round(before / MB), seconds: Number(seconds.toFixed(1)) },
  () => process.exit(),
);
