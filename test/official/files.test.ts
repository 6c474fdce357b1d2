// Files and the resources of sessions, by each release of the official SDK.

import { Blob, File } from "node:buffer";

import { describe, expect, it } from "vitest";

import { scripted } from "../server/support.ts";
import { RELEASES } from "./releases.ts";
import { gather, serve } from "./support.ts";

const BYTES = new Uint8Array([0, 1, 254, 255]);

describe.each(RELEASES)("the official SDK $version", (release) => {
  it("uploads, reads, downloads and deletes a file [S7-files]", async () => {
    await using server = await serve(release, scripted());
    const { files } = server.client.beta;
    const made = await files.upload({ file: new File([BYTES], "four.bin") });
    expect(made).toMatchObject({ type: "file", filename: "four.bin", size_bytes: 4 });
    expect(await files.retrieveMetadata(made.id)).toEqual(made);
    const content = await files.download(made.id);
    expect(new Uint8Array(await content.arrayBuffer())).toEqual(BYTES);
    expect(await files.delete(made.id)).toEqual({ id: made.id, type: "file_deleted" });
    await expect(files.download(made.id)).rejects.toBeInstanceOf(release.Anthropic.NotFoundError);
  });

  it("walks through the pages of the files, each once [S7-files]", async () => {
    await using server = await serve(release, scripted());
    const { files } = server.client.beta;
    const made: string[] = [];
    for (let n = 0; n < 5; n += 1)
      made.push((await files.upload({ file: new File([new Blob([String(n)])], `${n}.txt`) })).id);
    const listed = await gather(files.list({ limit: 2 }));
    expect(listed.map(({ id }) => id).toSorted()).toEqual(made.toSorted());
  });

  it("gives a session a file, sees it there, and takes it away [S7-files]", async () => {
    await using server = await serve(release, scripted());
    const { files, sessions } = server.client.beta;
    const file = await files.upload({ file: new File([BYTES], "four.bin") });
    const id = await server.session();
    const added = await sessions.resources.add(id, { type: "file", file_id: file.id, mount_path: "/data" });
    expect(added).toMatchObject({ type: "file", mount_path: "/data" });
    expect(await sessions.resources.retrieve(added.id, { session_id: id })).toEqual(added);
    expect(await gather(sessions.resources.list(id))).toEqual([added]);
    const scoped = await gather(files.list({ scope_id: id, betas: ["managed-agents-2026-04-01"] }));
    expect(scoped).toMatchObject([{ filename: "four.bin", scope: { type: "session", id } }]);
    const deleted = await sessions.resources.delete(added.id, { session_id: id });
    expect(deleted).toEqual({ id: added.id, type: "session_resource_deleted" });
    expect(await gather(sessions.resources.list(id))).toEqual([]);
  });
});
