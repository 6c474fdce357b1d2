// Files of a session in a harness: through its shell, here a real one over a folder of the test's.

import { readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { agentcore } from "loophost/providers/agentcore";
import { expect, it } from "vitest";

import { harnessSession } from "./harness-session.ts";

const noise = Buffer.from(Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7919) % 251));

it("are put in bounded commands, checked, replaced by a rename, fetched and deleted [A-223]", async () => {
  const { mount, commands, files } = await harnessSession();
  expect(await files.list()).toEqual([]);
  const put = await files.put("noise.bin", noise);
  expect(put).toMatchObject({
    name: "noise.bin",
    size: 100_000,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(Math.max(...commands.map((command) => command.length))).toBeLessThan(65_536);
  expect(Buffer.from(await (await files.get("noise.bin")).bytes())).toEqual(noise);
  await files.put("noise.bin", "now text");
  await files.put("-n.txt", "");
  expect(
    (await files.list()).map(({ name, size }) => `${name} ${size}`).toSorted((a, b) => (a < b ? -1 : 1)),
  ).toEqual(["-n.txt 0", "noise.bin 8"]);
  expect(new TextDecoder().decode(await (await files.get("noise.bin")).bytes())).toBe("now text");
  await files.delete("noise.bin");
  await files.delete("-n.txt");
  expect(readdirSync(mount)).toEqual([]);
});

it("have names that cannot be read as shell, and links are not followed [A-224]", async () => {
  const { folder, mount, commands, files } = await harnessSession();
  for (const name of ["a b", "$(id)", "a'b", "a;b", "é", ".loophost-part-1", "`id`"])
    await expect(files.put(name, "x")).rejects.toMatchObject({ code: "invalid_options" });
  expect(commands).toEqual([]);
  await files.put("own.txt", "x");
  writeFileSync(join(folder, "secret"), "secret");
  symlinkSync(join(folder, "secret"), join(mount, "link.txt"));
  expect((await files.list()).map(({ name }) => name)).toEqual(["own.txt"]);
  for (const artifactsPath of ["mnt", "/mnt/a b", "/mnt/../etc", "/", "/mnt/'x"])
    expect(() => agentcore({ harness: { executionRoleArn: "r" }, artifactsPath })).toThrow(
      "artifactsPath must be",
    );
});

it("are put at the same time under one name, each with its own size, and one of them stays [A-225]", async () => {
  const { mount, files } = await harnessSession();
  const contents = Array.from({ length: 6 }, (_, index) => String(index).repeat(index * 1_000));
  const puts = await Promise.all(contents.map((content) => files.put("race.txt", content)));
  expect(puts.map(({ size }) => size)).toEqual(contents.map(({ length }) => length));
  expect(contents).toContain(new TextDecoder().decode(await (await files.get("race.txt")).bytes()));
  expect(readdirSync(mount)).toEqual(["race.txt"]);
});

it("are whole or not there: what arrives otherwise, or is too large, leaves nothing behind", async () => {
  const { mount, files } = await harnessSession((command) => {
    // A part that is written twice, as a command that was repeated would.
    const append = /printf .* >> '(.*)'/.exec(command)?.[1];
    if (append !== undefined) writeFileSync(append, "more", { flag: "a" });
  });
  await expect(files.put("a.txt", "x")).rejects.toThrow("what arrived is not what was sent");
  async function* endless() {
    for (;;) yield new Uint8Array(1024 * 1024);
  }
  await expect(files.put("b.bin", endless())).rejects.toMatchObject({ code: "invalid_options" });
  expect(readdirSync(mount)).toEqual([]);
});

it("are not given out as they never were: one that is replaced while it is read is an error", async () => {
  const { mount, files } = await harnessSession((command) => {
    if (command.includes("tail -c +1 ")) writeFileSync(join(mount, "a.bin"), Buffer.alloc(100_000, 1));
  });
  await files.put("a.bin", noise);
  await expect((await files.get("a.bin")).bytes()).rejects.toThrow("was changed while it was read");
});
