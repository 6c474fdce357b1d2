// 200 MB in and out, in a process of its own whose memory is watched; the server keeps them on its disk, in another process.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { describe, expect, it, onTestFinished } from "vitest";

import { newFolder } from "./hosts.ts";

const MB = 1024 * 1024;

function start(script: string, ...args: string[]) {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
    execArgv: [...process.execArgv, "--expose-gc"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

describe("200 MB go in and come out as they were, with memory flat", () => {
  it.each(["local", "claude"])(
    "on %s",
    async (host) => {
      const folder = newFolder();
      let where = folder;
      if (host === "claude") {
        const [{ url }] = await once(start("file-server.ts", folder), "message");
        where = url;
      }
      const [report] = await once(start("transfer-process.ts", host, where, String(200 * MB)), "message");
      console.log(`${host}: ${JSON.stringify(report)}`);
      expect(report).toMatchObject({ bytesIn: 200 * MB, bytesOut: 200 * MB, isSame: true });
      expect(report.growthMb).toBeLessThan(32);
    },
    180_000,
  );
});
