// Records in a JSON file: whole at any moment, in line, and never emptied because they cannot be read.

import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { defineAgent } from "loophost";
import type { LoophostError } from "loophost";
import { provision, resolveTag, setTag, teardown } from "loophost/provisioning";
import { fileRecords } from "loophost/stores/file";
import { expect, it, onTestFinished } from "vitest";

import { fakeHost } from "../provisioning/fake-host.ts";

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "loophost-file-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it("is one JSON file with a record a line, and nothing beside it [A-177]", async () => {
  const folder = newFolder();
  const path = join(folder, "provisions.json");
  const { records } = fileRecords(path);
  expect(await records.get("c", "k")).toBeUndefined();
  expect(readdirSync(folder)).toEqual([]);
  await records.put("d", "k", { b: 1, a: [2] });
  await records.put("c", "z", 1);
  await records.put("c", "a", "é\n");
  expect(readFileSync(path, "utf8")).toBe(
    '{\n  "c": {\n    "a": "é\\n",\n    "z": 1\n  },\n  "d": {\n    "k": {"b":1,"a":[2]}\n  }\n}\n',
  );
  for (const [collection, key] of [
    ["c", "a"],
    ["c", "z"],
    ["d", "k"],
  ] as const)
    await records.delete(collection, key);
  expect(readFileSync(path, "utf8")).toBe("{}\n");
  expect(readdirSync(folder)).toEqual(["provisions.json"]);
});

it("takes writes in line: none is lost, whole files at any moment [A-177]", async () => {
  const path = join(newFolder(), "provisions.json");
  const { records } = fileRecords(path);
  await records.put("c", "0", 0);
  const done = new AbortController();
  const reading = (async () => {
    for (let reads = 0; !done.signal.aborted || reads === 0; reads += 1) {
      JSON.parse(readFileSync(path, "utf8"));
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  await Promise.all(Array.from({ length: 50 }, (_, index) => records.put("c", String(index), index)));
  done.abort();
  await reading;
  expect(await records.list("c", "", 100)).toHaveLength(50);
});

it("loses nothing when two objects over one file write at once", async () => {
  const path = join(newFolder(), "provisions.json");
  const [one, other] = [fileRecords(path), fileRecords(path)];
  const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
  await Promise.all(keys.map((key, index) => (index % 2 === 0 ? one : other).records.put("c", key, index)));
  expect((await fileRecords(path).records.list("c", "", 99)).map(({ key }) => key)).toEqual(keys.toSorted());
});

it("writes through a link to where it leads, and keeps the link and the mode of the file", async () => {
  const folder = newFolder();
  mkdirSync(join(folder, "real"));
  const [path, link, far] = [
    join(folder, "real", "r.json"),
    join(folder, "link.json"),
    join(folder, "far.json"),
  ];
  symlinkSync(join("real", "r.json"), link);
  symlinkSync("link.json", far);
  // Also when it leads to what is not there yet, and beside an object that knows the file by its own name.
  await fileRecords(far).records.put("c", "first", 1);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  chmodSync(path, 0o640);
  symlinkSync("real", join(folder, "way"));
  const stores = [link, path, far, join(folder, "way", "r.json")].map((one) => fileRecords(one));
  const puts = stores.flatMap(({ records }, way) =>
    [0, 1, 2].map((n) => records.put("c", `k${way}-${n}`, n)),
  );
  await Promise.all(puts);
  for (const store of stores) expect(await store.records.list("c", "", 99)).toHaveLength(13);
  expect([link, far].map((one) => lstatSync(one).isSymbolicLink())).toEqual([true, true]);
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect(readdirSync(join(folder, "real"))).toEqual(["r.json"]);

  symlinkSync("loop.json", join(folder, "loop.json"));
  const { records } = fileRecords(join(folder, "loop.json"));
  await expect(records.put("c", "k", 1)).rejects.toMatchObject({ code: "store_failed" });
});

it("keeps plain data alone, and what failed leaves the file as it was", async () => {
  const folder = newFolder();
  const { records } = fileRecords(join(folder, "provisions.json"));
  await records.put("c", "k", 1);
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  await expect(records.put("c", "k", circle as never)).rejects.toMatchObject({ code: "store_failed" });
  const nowhere = fileRecords(join(folder, "no", "such", "folder.json"));
  await expect(nowhere.records.put("c", "k", 1)).rejects.toMatchObject({ code: "store_failed" });
  await records.put("c", "other", 2);
  expect(await records.list("c", "", 9)).toEqual([
    { key: "k", value: 1 },
    { key: "other", value: 2 },
  ]);
});

it.each(["", "{", "[]", "null", '{"provisions":1}', "\u0000\u0000"])(
  "says of a damaged file (%j) that it is, and leaves it as it is; provisioning goes on [A-173]",
  async (text) => {
    const path = join(newFolder(), "provisions.json");
    writeFileSync(path, text);
    const store = fileRecords(path);
    await expect(store.records.get("c", "k")).rejects.toMatchObject({
      code: "store_damaged",
      message: expect.stringContaining(path),
    });
    await expect(store.records.put("c", "k", 1)).rejects.toMatchObject({ code: "store_damaged" });
    const problems: LoophostError[] = [];
    const agent = defineAgent({ name: "a", instructions: "" });
    await provision(fakeHost().provider, agent, { store, onProblem: (problem) => problems.push(problem) });
    expect(problems.map(({ code }) => code)).toEqual(["store_damaged", "store_damaged"]);
    expect(readFileSync(path, "utf8")).toBe(text);
  },
);

it("serves provisioning in one process after the other [A-178]", async () => {
  const path = join(newFolder(), "provisions.json");
  const agent = defineAgent({ name: "sales", instructions: "Sell." });
  const [one, other] = [fakeHost(), fakeHost()];
  const handle = await provision(one.provider, agent, { store: fileRecords(path) });
  await setTag(one.provider, "sales:prod", handle, { store: fileRecords(path) });
  expect(await provision(other.provider, agent, { store: fileRecords(path) })).toEqual(handle);
  expect(other.asked).toEqual([]);
  const resolved = await resolveTag(other.provider, "sales:prod", { store: fileRecords(path) });
  await teardown(other.provider, resolved, { store: fileRecords(path) });
  expect(readFileSync(path, "utf8")).toBe("{}\n");
});

it("reads a file again that could not be read, though nothing tells its two states apart", async () => {
  const path = join(newFolder(), "provisions.json");
  const store = fileRecords(path);
  const write = (text: string) => {
    writeFileSync(path, text);
    utimesSync(path, 1, 1);
  };
  write('{"c":[1]}');
  await expect(store.records.get("c", "k")).rejects.toMatchObject({ code: "store_damaged" });
  write('{"c":{} }');
  expect(await store.records.get("c", "k")).toBeUndefined();
});

it("needs a path", () => {
  for (const path of ["", undefined as never, 3 as never])
    expect(() => fileRecords(path)).toThrow("needs the path");
});
