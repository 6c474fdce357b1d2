// Files and what sessions are given of them: against the embedded host, and the bare requests as they are sent.

import type { ClaudeClient } from "loophost/providers/claude";
import { createClient } from "loophost/providers/claude";
import { embeddedHost } from "loophost/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const host = embeddedHost({ model: () => "Done." });
let client: ClaudeClient;

beforeAll(async () => {
  client = createClient({ baseUrl: (await host.listen()).url });
});
afterAll(() => host.close());

const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);

describe("files [A-106]", () => {
  it("go up, are listed, come down as they were, and are deleted", async () => {
    const { files } = client;
    const { id } = await files.upload({ name: "all-bytes.bin", bytes });
    expect(await files.get(id)).toMatchObject({ filename: "all-bytes.bin", size_bytes: 256, type: "file" });
    expect(await files.download(id)).toEqual(bytes);
    expect((await Array.fromAsync(files.list({ limit: 1 }))).map((file) => file.id)).toContain(id);
    await files.delete(id);
    await expect(files.download(id)).rejects.toMatchObject({ status: 404 });
  });

  it("are given to a session, and listed with it [A-112]", async () => {
    const { agents, environments, files, sessions } = client;
    const agent = await agents.create({ name: "reader", model: "m" });
    const environment = await environments.create({ name: "dev" });
    const { id: file_id } = await files.upload({ name: "notes.md", bytes: "# Notes" });
    const { id } = await sessions.create({ agent: agent.id, environment_id: environment.id });
    const resource = await sessions.resources.attach(id, {
      type: "file",
      file_id,
      mount_path: "/data/notes.md",
    });
    expect(await Array.fromAsync(sessions.resources.list(id))).toMatchObject([
      { id: resource.id, type: "file" },
    ]);
    const scoped = await Array.fromAsync(files.list({ scope_id: id }));
    expect(scoped).toMatchObject([{ filename: "notes.md", scope: { type: "session", id } }]);
    await sessions.resources.delete(id, resource.id);
    expect(await Array.fromAsync(sessions.resources.list(id))).toEqual([]);
  });
});

describe("what is sent about files", () => {
  const seen: { readonly kind: string; readonly headers: Headers; readonly body: string }[] = [];
  const noting = createClient({
    baseUrl: "http://127.0.0.1",
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const { pathname, search } = new URL(request.url);
      seen.push({
        kind: `${request.method} ${pathname}${search}`,
        headers: request.headers,
        body: await request.text(),
      });
      return Response.json({ id: "file_1", data: [] });
    },
  });

  it("names one beta for uploads, and both for everything else [A-110] [A-111]", async () => {
    await noting.files.upload({ name: "a.txt", bytes: "a" });
    await Array.fromAsync(noting.files.list({ scope_id: "sesn_1" }));
    await noting.files.download("file_1");
    await noting.files.delete("file_1");
    const both = "managed-agents-2026-04-01,files-api-2025-04-14";
    expect(seen.map(({ kind, headers }) => [kind, headers.get("anthropic-beta")])).toEqual([
      ["POST /v1/files", "files-api-2025-04-14"],
      ["GET /v1/files?scope_id=sesn_1", both],
      ["GET /v1/files/file_1/content", both],
      ["DELETE /v1/files/file_1", both],
    ]);
  });

  it.each([
    ["a.csv", "text/csv"],
    ["B.PDF", "application/pdf"],
    ["photo.jpeg", "image/jpeg"],
    ["data.unknown", "application/octet-stream"],
    ["README", "application/octet-stream"],
  ])("says of %s that it is %s [A-110]", async (name, type) => {
    await noting.files.upload({ name, bytes: "x", expiresInSeconds: 3_600 });
    const { body = "", headers } = seen.at(-1) ?? {};
    expect(headers?.get("content-type")).toMatch(/^multipart\/form-data; boundary=/);
    expect(body.toLowerCase()).toContain(`filename="${name.toLowerCase()}"`);
    expect(body.toLowerCase()).toContain(`content-type: ${type}`);
    expect(body).toMatch(/name="expires_in_seconds"\s+3600/);
  });

  it("lets the caller say what it is, and refuses a file without a name", async () => {
    await noting.files.upload({ name: "a.bin", bytes: new Blob(["x"]), mediaType: "image/png" });
    expect(seen.at(-1)?.body).toContain("Content-Type: image/png");
    await noting.files.upload({ name: "a.constructor", bytes: new Blob(["x"]) });
    expect(seen.at(-1)?.body).toContain("Content-Type: application/octet-stream");
    await expect(noting.files.upload({ name: " ", bytes: "x" })).rejects.toMatchObject({
      code: "invalid_options",
    });
  });
});
