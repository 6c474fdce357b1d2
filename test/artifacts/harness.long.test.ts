// 20 MB through the shell of a harness's session, in and out.

import { expect, it } from "vitest";

import { harnessSession } from "./harness-session.ts";

it("go in and come out as they were", async () => {
  const { commands, files } = await harnessSession();
  const bytes = Buffer.from(
    Uint8Array.from({ length: 20 * 1024 * 1024 }, (_, index) => (index * 7919) % 251),
  );
  const startedAt = performance.now();
  await files.put("large.bin", bytes);
  const putSeconds = (performance.now() - startedAt) / 1_000;
  expect(bytes.equals(await (await files.get("large.bin")).bytes())).toBe(true);
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(
    `20 MiB in harness: ${commands.length} commands, ${putSeconds.toFixed(1)} s in, ${(seconds - putSeconds).toFixed(1)} s out`,
  );
}, 240_000);
