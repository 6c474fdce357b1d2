// Files: what goes in comes out, is listed, and is gone when it should be.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type Anthropic from "@anthropic-ai/sdk";
import { toFile } from "@anthropic-ai/sdk";
import { memoryStore } from "loophost/stores/memory";
import { sqliteStore } from "loophost/stores/sqlite";
import { describe, expect, it, vi } from "vitest";

import { createFile } from "../../src/server/records/file-record.ts";
import { FileStore } from "../../src/server/records/file-store.ts";
import { BAD, GONE, refusal, scripted, startHost } from "./support.ts";

async function upload(client: Anthropic, name: string, text: string, type?: string) {
  return client.beta.files.upload({ file: await toFile(Buffer.from(text), name, type ? { type } : {}) });
}

describe("a file", () => {
  it("comes back byte for byte, however many pieces it is kept in", async () => {
    await using server = await startHost(scripted());
    const { files } = server.client.beta;
    const sizes = [0, 1, 786_432, 786_433, 2_000_000];
    for (const size of sizes) {
      const bytes = Buffer.alloc(size);
      for (let index = 0; index < size; index += 1) bytes[index] = (index * 31 + (index >> 8)) % 256;
      const file = await files.upload({ file: await toFile(bytes, "data.bin") });
      expect(file.size_bytes).toBe(size);
      const back = await files.download(file.id);
      expect(Buffer.compare(Buffer.from(await back.arrayBuffer()), bytes), `${size} bytes`).toBe(0);
    }
  });

  it("is described in full, its type told by its name when the upload does not say", async () => {
    await using server = await startHost(scripted());
    const { client } = server;
    const file = await upload(client, "folder/näme.txt", "hello");
    expect(file).toEqual({
      id: expect.stringMatching(/^file_/),
      type: "file",
      filename: "näme.txt",
      mime_type: "text/plain",
      size_bytes: 5,
      created_at: expect.any(String),
      downloadable: true,
      expires_at: null,
      scope: null,
    });
    expect(await client.beta.files.retrieveMetadata(file.id)).toEqual(file);
    expect(await upload(client, "notes.md", "x", "text/x-notes")).toMatchObject({
      mime_type: "text/x-notes",
    });
    for (const name of ["thing", "thing.constructor", "thing.__proto__"])
      expect(await upload(client, name, "x")).toMatchObject({ mime_type: "application/octet-stream" });
    const content = await server.host.fetch(new Request(`http://host/v1/files/${file.id}/content`));
    expect(content.headers.get("content-type")).toBe("text/plain");
    expect(content.headers.get("content-disposition")).toMatch(/^attachment/);
    expect(content.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("is listed newest first, page by page, by its ids and by its scope, until it is deleted", async () => {
    await using server = await startHost(scripted());
    const { client } = server;
    const { files } = client.beta;
    const ids: string[] = [];
    for (const name of ["a.txt", "b.txt", "c.txt"]) ids.unshift((await upload(client, name, name)).id);
    const all: string[] = [];
    for await (const { id } of files.list({ limit: 2 })) all.push(id);
    expect(all).toEqual(ids);
    const [first = "", second = "", third = ""] = ids;
    const named = await files.list({ ids: [third, "file_none", first, first] });
    expect([named.data.map(({ id }) => id), named.next_page]).toEqual([[third, first], null]);
    expect((await files.list({ scope_id: "sesn_none" })).data).toEqual([]);
    expect(await refusal(files.list({ ids: [first], limit: 5 }))).toBe(BAD);
    const many = Array.from({ length: 101 }, (_, index) => `file_${index}`);
    expect(await refusal(files.list({ ids: many }))).toBe(BAD);

    expect(await files.delete(second)).toEqual({ id: second, type: "file_deleted" });
    expect(await refusal(files.retrieveMetadata(second))).toBe(GONE);
    expect(await refusal(files.download(second))).toBe(GONE);
    expect(await refusal(files.delete(second))).toBe(GONE);
    expect((await files.list()).data.map(({ id }) => id)).toEqual([first, third]);
  });

  it("is not there before all its bytes are, and leaves none behind", async () => {
    const store = memoryStore();
    const kept = new Set<string>();
    const records = {
      ...store.records,
      async put(...[collection, key, value]: Parameters<typeof store.records.put>) {
        if (key === "000001") throw new Error("disk full");
        await store.records.put(collection, key, value);
        kept.add(`${collection} ${key}`);
      },
      async delete(...[collection, key]: Parameters<typeof store.records.delete>) {
        await store.records.delete(collection, key);
        kept.delete(`${collection} ${key}`);
      },
    };
    await using server = await startHost(scripted(), { store: { ...store, records } });
    expect(await refusal(upload(server.client, "big.txt", "x".repeat(800_000)))).toBe("500 api_error");
    expect((await server.client.beta.files.list()).data).toEqual([]);
    kept.clear();
    const { id } = await upload(server.client, "small.txt", "x");
    await server.client.beta.files.delete(id);
    expect([...kept]).toEqual([]);
  });

  it("expires when it was told to", async () => {
    await using server = await startHost(scripted());
    const { files } = server.client.beta;
    const file = await toFile(Buffer.from("soon gone"), "a.txt");
    for (const seconds of [3_599, 7_776_001, 4_000.5])
      expect(await refusal(files.upload({ file, expires_in_seconds: seconds }))).toBe(BAD);
    const { id, created_at: made, expires_at: end } = await files.upload({ file, expires_in_seconds: 3_600 });
    expect(Date.parse(end ?? "") - Date.parse(made)).toBe(3_600_000);
    expect(await (await files.download(id)).text()).toBe("soon gone");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(end ?? "") });
    try {
      expect(await refusal(files.download(id))).toBe("404 file_expired");
    } finally {
      vi.useRealTimers();
    }
    expect(await files.retrieveMetadata(id)).toMatchObject({ expires_at: end });
    // Its bytes went with its time: they are not there again when the clock is set back.
    expect(await refusal(files.download(id))).toBe(GONE);
  });

  it("outlives the host in a store that lasts", async () => {
    const folder = await mkdtemp(join(tmpdir(), "loophost-files-"));
    const path = join(folder, "host.db");
    const own = await readFile(import.meta.filename);
    const before = sqliteStore(path);
    const first = await startHost(scripted(), { store: before });
    const { id } = await first.client.beta.files.upload({ file: await toFile(own, "files.test.ts") });
    await first.host.close();
    await before.close();
    const after = sqliteStore(path);
    await using server = await startHost(scripted(), { store: after });
    const back = await server.client.beta.files.download(id);
    expect(Buffer.compare(Buffer.from(await back.arrayBuffer()), own)).toBe(0);
    await server.host.close();
    await after.close();
    await rm(folder, { recursive: true });
  });
});

describe("an upload", () => {
  it("that is none is refused", async () => {
    await using server = await startHost(scripted());
    const post = async (type: string, body: string) => {
      const reply = await server.raw("POST", "/v1/files", body, { "content-type": type });
      return `${reply.status} ${reply.body.error.message}`;
    };
    expect(await post("application/json", "{}")).toBe("400 A file is uploaded as multipart/form-data.");
    const form = "multipart/form-data; boundary=x";
    expect(await post(form, "nothing of the kind")).toBe("400 The body is not valid multipart/form-data.");
    const text = '--x\r\ncontent-disposition: form-data; name="file"\r\n\r\nno file\r\n--x--\r\n';
    expect(await post(form, text)).toMatch("400 file is required");
  });

  it("that is too large is refused [I10]", async () => {
    await using server = await startHost(scripted());
    const file = await toFile(Buffer.alloc(33 * 1_024 * 1_024), "big.bin");
    expect(await refusal(server.client.beta.files.upload({ file }))).toBe("413 request_too_large");
  });
});

it("a file is given to a model as its type asks", async () => {
  const files = new FileStore(memoryStore().records);
  const add = async (name: string, content: string) => {
    const file = createFile(new File([content], name), null);
    await files.add(file, new TextEncoder().encode(content));
    return files.read(file.id);
  };
  expect(await add("a.txt", "hé")).toEqual({ mediaType: "text/plain", data: "hé" });
  expect(await add("a.json", "{}")).toEqual({ mediaType: "text/plain", data: "{}" });
  expect(await add("a.png", "hé")).toEqual({ mediaType: "image/png", data: "aMOp" });
});
