/** Files, and the resources of sessions made of them. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf } from "../check.ts";
import { at, dataOf, hasKeys, isTime, must, ok, okIfThere, refused, textAt } from "../expect.ts";
import type { TestClient } from "../test-client.ts";
import type { Reply } from "../wire.ts";

const TEXT = "Grüße from a file";
const BYTES = new TextEncoder().encode(TEXT).length;

/** The checks of files. */
export const fileChecks: readonly ConformanceCheck[] = checksOf("files", 2, [
  {
    name: "upload",
    title: "takes a file as a multipart form, and describes it",
    why: "It is how the official SDKs upload.",
    async run(client) {
      const made = await upload(client);
      must(at(made.body, "type") === "file", made, 'type "file"');
      must(at(made.body, "filename") === "note.txt", made, "filename note.txt");
      must(String(at(made.body, "mime_type")).startsWith("text/plain"), made, "mime_type text/plain");
      must(at(made.body, "size_bytes") === BYTES, made, `size_bytes ${BYTES}`);
      must(isTime(at(made.body, "created_at")), made, "created_at as a time");
    },
  },
  {
    name: "list",
    title: "lists files, all of them or those of ids[]",
    why: "Clients look up by it which of their files are still there.",
    async run(client) {
      const id = textAt(await upload(client), "id");
      await upload(client);
      const one = ok(await client.wire.get(`/v1/files?ids%5B%5D=${id}`));
      must(dataOf(one).length === 1 && at(one.body, "data", 0, "id") === id, one, `only ${id}`);
      const all = ok(await client.wire.get("/v1/files?limit=1000"));
      must(
        dataOf(all).some((file) => file["id"] === id),
        all,
        `${id}, which was just uploaded`,
      );
    },
  },
  {
    name: "retrieve",
    title: "describes a file by its id",
    why: "Sessions hold ids only.",
    async run(client) {
      const id = textAt(await upload(client), "id");
      const read = ok(await client.wire.get(`/v1/files/${id}`));
      must(at(read.body, "filename") === "note.txt", read, "filename note.txt");
    },
  },
  {
    name: "content",
    title: "gives back a file's bytes, or refuses if it says that the file is not downloadable",
    why: "A download with other bytes is worse than none.",
    async run(client) {
      const made = await upload(client);
      const content = await client.wire.get(`/v1/files/${textAt(made, "id")}/content`);
      if (at(made.body, "downloadable") === false && content.status !== 200)
        return void refused(content, [400, 403, 404]);
      must(content.status === 200 && content.text === TEXT, content, `status 200 and the text "${TEXT}"`);
    },
  },
  {
    name: "delete",
    title: "deletes a file, which then is not found",
    why: "Deleted means deleted.",
    async run(client) {
      const path = `/v1/files/${textAt(await upload(client), "id")}`;
      const deleted = ok(await client.wire.delete(path));
      must(at(deleted.body, "type") === "file_deleted", deleted, 'type "file_deleted"');
      refused(await client.wire.get(path), [404]);
    },
  },
]);

/** The checks of resources. */
export const resourceChecks: readonly ConformanceCheck[] = checksOf("resources", 2, [
  {
    name: "at-creation",
    title: "mounts the files a session is created with",
    why: "It is how a session gets its input.",
    async run(client) {
      const file = textAt(await upload(client), "id");
      const made = await client.newSession({ resources: [{ type: "file", file_id: file }] });
      must(at(made.body, "resources", 0, "type") === "file", made, "the file among resources");
      const list = okIfThere(await client.wire.get(`/v1/sessions/${textAt(made, "id")}/resources`));
      must(dataOf(list).length === 1, list, "one resource");
    },
  },
  {
    name: "add",
    title: "adds a file to a session, and shows it by id",
    why: "Input may come later than the session.",
    async run(client) {
      const { path, added } = await withFile(client);
      must(at(added.body, "type") === "file", added, 'type "file"');
      hasKeys(added, added.body, ["file_id", "created_at"]);
      const read = ok(await client.wire.get(`${path}/${textAt(added, "id")}`));
      must(at(read.body, "id") === at(added.body, "id"), read, "the same resource");
    },
  },
  {
    name: "remove",
    title: "removes a resource, which then is not listed",
    why: "What a session may read can be taken away.",
    async run(client) {
      const { path, added } = await withFile(client);
      const removed = ok(await client.wire.delete(`${path}/${textAt(added, "id")}`));
      must(
        at(removed.body, "type") === "session_resource_deleted",
        removed,
        'type "session_resource_deleted"',
      );
      const list = ok(await client.wire.get(path));
      must(dataOf(list).length === 0, list, "no resource");
    },
  },
  {
    name: "unknown-file",
    title: "refuses a resource of a file that is not there",
    why: "The mistake must show where it was made.",
    async run(client) {
      await withFile(client);
      refused(await client.trySession({ resources: [{ type: "file", file_id: "file_unknown" }] }));
    },
  },
]);

async function upload(client: TestClient): Promise<Reply> {
  const form = new FormData();
  form.append("file", new File([TEXT], "note.txt", { type: "text/plain" }));
  return client.remember(okIfThere(await client.wire.post("/v1/files", form)), "/v1/files");
}

/** A session with a file that was added to it, and the path of its resources. */
async function withFile(client: TestClient): Promise<{ path: string; added: Reply }> {
  const path = `/v1/sessions/${textAt(await client.newSession(), "id")}/resources`;
  okIfThere(await client.wire.get(path));
  const file = textAt(await upload(client), "id");
  return { path, added: ok(await client.wire.post(path, { type: "file", file_id: file })) };
}
