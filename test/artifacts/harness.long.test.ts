// 20 MB through the shell of a harness's session, in and out.

import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { artifacts } from "loophost/artifacts";
import { agentcore } from "loophost/providers/agentcore";
import { agentCoreStandIn } from "loophost/testing/agentcore";
import { expect, it, onTestFinished } from "vitest";

import { newFolder } from "./hosts.ts";

it("go in and come out as they were", async () => {
  let commands = 0;
  const standIn = await agentCoreStandIn({
    model: () => "hi",
    onCommand: (command) => {
      commands += 1;
      const { stdout, stderr, status } = spawnSync("bash", ["-c", command], {
        encoding: "utf8",
        maxBuffer: 1e8,
      });
      return { stdout, stderr, exitCode: status ?? -1 };
    },
  });
  onTestFinished(() => standIn.close());
  const { url: baseUrl, harnessArn } = standIn;
  const artifactsPath = join(newFolder(), "mnt");
  const provider = agentcore({ harnessArn, baseUrl, controlBaseUrl: baseUrl, artifactsPath });
  const files = artifacts(provider, "session-".padEnd(40, "0"));
  const bytes = Buffer.from(
    Uint8Array.from({ length: 20 * 1024 * 1024 }, (_, index) => (index * 7919) % 251),
  );
  const startedAt = performance.now();
  await files.put("large.bin", bytes);
  const putSeconds = (performance.now() - startedAt) / 1_000;
  expect(bytes.equals(await (await files.get("large.bin")).bytes())).toBe(true);
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(
    `20 MiB in harness: ${commands} commands, ${putSeconds.toFixed(1)} s in, ${(seconds - putSeconds).toFixed(1)} s out`,
  );
}, 240_000);
