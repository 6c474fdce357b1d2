// Files of a session by name: the same on every host that keeps them, and nothing outside of the session.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { defineAgent, LoophostError, openSession } from "loophost";
import type { Artifact, ArtifactStorage, Provider } from "loophost";
import { artifacts } from "loophost/artifacts";
import type { ArtifactContent } from "loophost/artifacts";
import { claude, createClient, OUTPUTS_FOLDER } from "loophost/providers/claude";
import { local } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { manualClock, scriptedProvider } from "loophost/testing";
import { describe, expect, it, onTestFinished } from "vitest";

import { filesOf, newFolder, providerOf } from "./hosts.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const noise = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 251);

describe.each(Object.entries(providerOf))("on %s", (_host, newProvider) => {
  it("a file is put, listed, fetched, replaced and deleted [A-219] [A-220]", async () => {
    const files = await filesOf(await newProvider());
    expect(await files.list()).toEqual([]);
    const put = await files.put("data.csv", "a,b\n1,2\n");
    expect(put).toMatchObject({
      name: "data.csv",
      size: 8,
      id: expect.any(String),
      createdAtMs: expect.any(Number),
    });
    await files.put("noise.bin", noise);
    expect(Object.fromEntries((await files.list()).map(({ name, size }) => [name, size]))).toEqual({
      "data.csv": 8,
      "noise.bin": 300_000,
    });
    expect(text(await (await files.get("data.csv")).bytes())).toBe("a,b\n1,2\n");
    expect(await (await files.get("noise.bin")).bytes()).toEqual(noise);
    await files.put("data.csv", "new");
    expect(text(await (await files.get("data.csv")).bytes())).toBe("new");
    await files.delete("data.csv");
    await expect(files.get("data.csv")).rejects.toMatchObject({ code: "artifact_not_found" });
    await expect(files.delete("data.csv")).rejects.toMatchObject({ code: "artifact_not_found" });
  });

  it("takes every kind of content, empty ones, and names in every script", async () => {
    const files = await filesOf(await newProvider());
    async function* pieces() {
      yield new Uint8Array([1, 2]);
      yield new Uint8Array();
      yield new Uint8Array([3]);
    }
    const contents: Record<string, ArtifactContent> = {
      "text é.txt": "é",
      bytes: new Uint8Array([1, 2, 3]),
      "blob.x.y": new Blob(["1", "2"]),
      stream: new Blob(["123"]).stream(),
      "pieces '\"$(id)`": pieces(),
      "empty.html": "",
      "-rf": "dash",
      "数据.csv": "数",
    };
    for (const [name, content] of Object.entries(contents)) await files.put(name, content);
    const sizes = Object.fromEntries(
      (await files.list()).map(({ name, size }) => [name.replace("%22", '"'), size]),
    );
    expect(sizes).toEqual({
      "text é.txt": 2,
      bytes: 3,
      "blob.x.y": 2,
      stream: 3,
      "pieces '\"$(id)`": 3,
      "empty.html": 0,
      "-rf": 4,
      "数据.csv": 3,
    });
    expect(await (await files.get("empty.html")).bytes()).toEqual(new Uint8Array());
  });

  it("of another session is not seen", async () => {
    const provider = await newProvider();
    const [one, other] = [await filesOf(provider), await filesOf(provider)];
    await one.put("mine.txt", "x");
    expect(await other.list()).toEqual([]);
  });

  it("is one of those put at the same time, whole", async () => {
    const files = await filesOf(await newProvider());
    // Of different sizes: none is told of another's.
    const contents = Array.from({ length: 12 }, (_, index) => String(index % 10).repeat(index * 1_000));
    const puts = await Promise.all(contents.map((content) => files.put("race.txt", content)));
    expect(puts.map(({ size }) => size)).toEqual(contents.map(({ length }) => length));
    const found = text(await (await files.get("race.txt")).bytes());
    expect(contents).toContain(found);
    expect(await files.list()).toMatchObject([{ size: found.length }]);
  });

  it("that breaks off while it is put is not there, and the one before is", async () => {
    const files = await filesOf(await newProvider());
    await files.put("a.txt", "before");
    async function* breaking() {
      yield new Uint8Array(100_000);
      throw new Error("the source broke");
    }
    await expect(files.put("a.txt", breaking())).rejects.toBeInstanceOf(Error);
    expect(text(await (await files.get("a.txt")).bytes())).toBe("before");
    expect(await files.list()).toHaveLength(1);
  });

  it("is fetched no further than asked for", async () => {
    const files = await filesOf(await newProvider());
    await files.put("big", noise);
    await expect((await files.get("big")).bytes(1_000)).rejects.toMatchObject({ code: "reply_too_large" });
    const { stream } = await files.get("big");
    await stream.cancel();
  });
});

describe("a name", () => {
  it.each([
    "",
    ".",
    "..",
    "../up",
    "a/b",
    "/etc/passwd",
    "a\\b",
    "a\nb",
    "nul\u0000",
    "x".repeat(256),
    "é".repeat(128),
    "\ud800",
    7,
  ])("is refused when it is no name (%j), before anything is asked [A-224]", async (name) => {
    const storage: ArtifactStorage = {
      list: asked,
      read: asked,
      write: asked,
      remove: asked,
    };
    const files = artifacts(providerWith(storage), "s");
    for (const call of [files.get(name as never), files.put(name as never, "x"), files.delete(name as never)])
      await expect(call).rejects.toMatchObject({ code: "invalid_options" });
  });
  const asked = () => Promise.reject(new Error("asked"));
});

describe("of several files with one name", () => {
  const at = (id: string, createdAtMs: number): Artifact => ({ name: "a", size: 1, createdAtMs, id });
  function holding(...all: Artifact[]) {
    const touched: string[] = [];
    const storage: ArtifactStorage = {
      list: async () => all,
      read: async (_, { id }) => {
        touched.push(id);
        return new Blob(["x"]).stream();
      },
      write: () => Promise.reject(new Error("not asked for")),
      remove: async (_, { id }) => void touched.push(id),
    };
    return { files: artifacts(providerWith(storage), "s"), touched, storage };
  }

  it("the newest is meant, and all are listed [A-219]", async () => {
    const { files, touched } = holding(at("old", 1), at("new", 3), at("middle", 2));
    expect((await files.list()).map(({ id }) => id)).toEqual(["new", "middle", "old"]);
    await files.get("a");
    await files.delete("a");
    expect(touched).toEqual(["new", "new"]);
  });

  it("one that is replaced between a look and its reading is looked for again, and not without end", async () => {
    const { files, storage } = holding(at("b", 1));
    let replaced = 0;
    storage.read = async () => {
      replaced += 1;
      if (replaced < 3) throw new LoophostError("artifact_not_found", "Replaced.");
      return new Blob(["new"]).stream();
    };
    const file = await files.get("a");
    expect(text(await file.bytes())).toBe("new");
    storage.read = () => Promise.reject(new LoophostError("artifact_not_found", "Replaced."));
    await expect(files.get("a")).rejects.toMatchObject({ code: "artifact_not_found" });
  });

  it("one that is not there yet is waited for, by the clock [A-222]", async () => {
    const all: Artifact[] = [];
    const { files } = holding();
    const clock = manualClock();
    const storage: ArtifactStorage = {
      list: async () => all,
      read: async () => new Blob(["x"]).stream(),
      write: () => Promise.reject(new Error("not asked for")),
      remove: () => Promise.resolve(),
    };
    await expect(files.get("a")).rejects.toMatchObject({ code: "artifact_not_found" });
    const waiting = artifacts(providerWith(storage), "s", { clock });
    const late = waiting.get("a", { waitMs: 60_000 });
    await clock.advance(3_000);
    all.push(at("late", 1));
    await clock.advance(5_000);
    expect((await late).id).toBe("late");
    all.length = 0;
    const never = waiting.get("a", { waitMs: 60_000 }).catch((thrown: unknown) => thrown);
    await clock.advance(60_000);
    expect(await never).toMatchObject({ code: "artifact_not_found" });
    expect(clock.waiting).toBe(0);
  });
});

describe("at Claude's", () => {
  it("a put is attached where the agent can read it, and replaces what was there [A-221]", async () => {
    const host = embeddedHost({ model: () => "hi" });
    const baseUrl = (await host.listen()).url;
    onTestFinished(() => host.close());
    const client = createClient({ baseUrl });
    const provider = claude({ baseUrl });
    const session = await openSession(defineAgent({ name: "a", instructions: "", model: "m" }), { provider });
    await session.close();
    const files = artifacts(provider, session.id);
    await files.put("a b.csv", "one");
    await files.put("a b.csv", "two");
    const resources = await Array.fromAsync(client.sessions.resources.list(session.id));
    expect(resources).toMatchObject([{ type: "file", mount_path: "/data/a b.csv" }]);
    expect(await files.list()).toMatchObject([{ name: "a b.csv", size: 3, raw: { mime_type: "text/csv" } }]);
    await files.delete("a b.csv");
    expect(await Array.fromAsync(client.sessions.resources.list(session.id))).toEqual([]);
    expect(OUTPUTS_FOLDER).toBe("/mnt/session/outputs/");
  });

  it("a file that ends early, or falls silent, is an error of its stream", async () => {
    const clock = manualClock();
    const file = { id: "file_1", filename: "a", size_bytes: 10, created_at: new Date().toISOString() };
    const served = (body: ReadableStream<Uint8Array>) =>
      claude({
        baseUrl: "http://127.0.0.1",
        clock,
        fetch: async (input) =>
          String(input instanceof Request ? input.url : input).endsWith("/content")
            ? new Response(body)
            : Response.json({ data: [file] }),
      });
    const short = await artifacts(served(new Blob(["12345"]).stream()), "s").get("a");
    await expect(short.bytes()).rejects.toMatchObject({ code: "host_protocol" });
    const hangs = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined) });
    const silent = await artifacts(served(hangs), "s").get("a");
    const reading = silent.bytes().catch((thrown: unknown) => thrown);
    await clock.advance(45_000);
    expect(await reading).toMatchObject({ code: "host_unreachable" });
  });
});

describe("in a folder", () => {
  it("links are not followed, and nothing leads out of a session's own [A-224]", async () => {
    const folder = newFolder();
    const secret = join(folder, "secret.txt");
    writeFileSync(secret, "secret");
    const provider = local({ model: () => "", artifactsFolder: join(folder, "kept") });
    for (const id of ["..", ".", "../x", "a/b", "..%2f", "x".repeat(300), "é😀"]) {
      const files = artifacts(provider, id);
      await files.put("a.txt", id);
      expect(text(await (await files.get("a.txt")).bytes())).toBe(id);
      expect(await files.list()).toHaveLength(1);
    }
    expect(readdirSync(folder).toSorted()).toEqual(["kept", "secret.txt"]);
    expect(readdirSync(join(folder, "kept"))).toHaveLength(7);
    const files = artifacts(provider, "linked");
    mkdirSync(join(folder, "kept", "linked"));
    symlinkSync(secret, join(folder, "kept", "linked", "a.txt"));
    expect(await files.list()).toEqual([]);
    await expect(files.get("a.txt")).rejects.toMatchObject({ code: "artifact_not_found" });
    // A put replaces the link, and not what it leads to.
    await files.put("a.txt", "own");
    expect(text(await (await files.get("a.txt")).bytes())).toBe("own");
    await files.delete("a.txt");
    expect(existsSync(secret)).toBe(true);
  });

  it.runIf(existsSync("/proc/self/fd"))("a file is open only while it is read", async () => {
    const folder = newFolder();
    const files = artifacts(local({ model: () => "", artifactsFolder: folder }), "s");
    await files.put("a.txt", noise);
    const opened = () =>
      readdirSync("/proc/self/fd").filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
        } catch {
          return false; // the one that reads the folder
        }
      });
    const stop = new AbortController();
    const [unread, cancelled, given] = await Promise.all([
      files.get("a.txt"),
      files.get("a.txt"),
      files.get("a.txt", { signal: stop.signal }),
    ]);
    expect(opened()).toEqual([]);
    for await (const piece of cancelled.stream) {
      expect(opened()).toHaveLength(1);
      expect(piece).toEqual(noise.subarray(0, piece.length));
      break;
    }
    await given.stream.getReader().read();
    stop.abort();
    await expect.poll(opened).toEqual([]);
    await files.delete("a.txt");
    await expect(unread.bytes()).rejects.toMatchObject({ code: "artifact_not_found" });
  });

  it("nothing is left of a put that was aborted", async () => {
    const folder = newFolder();
    const files = artifacts(local({ model: () => "", artifactsFolder: folder }), "s");
    const stop = new AbortController();
    const endless = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined) });
    const putting = files.put("a.txt", endless, { signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await expect(putting).rejects.toMatchObject({ code: "aborted" });
    expect(readdirSync(join(folder, "s"))).toEqual([]);
  });

  it("what a writer left that was killed is removed by a later put; what is still written stays", async () => {
    const folder = newFolder();
    const files = artifacts(local({ model: () => "", artifactsFolder: folder }), "s");
    await files.put("a.txt", "a");
    for (const [name, ageMs] of [
      ["old", 25 * 3_600_000],
      ["new", 3_600_000],
    ] as const) {
      const part = join(folder, "s", `.loophost-part-${name}`);
      writeFileSync(part, "half");
      const then = new Date(Date.now() - ageMs);
      utimesSync(part, then, then);
    }
    await files.put("b.txt", "b");
    expect(readdirSync(join(folder, "s")).toSorted()).toEqual([".loophost-part-new", "a.txt", "b.txt"]);
  });
});

it("is refused of a provider that keeps no files, and of a session without an id", () => {
  expect(() => artifacts(local({ model: () => "" }), "s")).toThrow("give local() an artifactsFolder");
  expect(() => artifacts(scriptedProvider({ turns: [] }), "s")).toThrow("scripted keeps no files");
  const provisioned = { provider: "claude", name: "a_1", digest: "1" };
  expect(() => artifacts(local({ model: () => "", artifactsFolder: "x" }), "s", { provisioned })).toThrow(
    "artifacts(): provisioned: the handle is of claude, not of local",
  );
  expect(() => artifacts(local({ model: () => "", artifactsFolder: "x" }), "")).toThrow(
    "needs the id of a session",
  );
});

function providerWith(storage: ArtifactStorage): Provider {
  return { ...scriptedProvider({ turns: [] }), artifacts: storage };
}
