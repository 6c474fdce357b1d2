/** `/v1/files`: files that were uploaded, and the copies sessions have of them. */

import { Hono } from "hono";

import type { JsonObject } from "../../core/json.ts";
import { invalid } from "../http/errors.ts";
import { cursorAt, pageOf } from "../http/pages.ts";
import { listOf } from "../http/query.ts";
import type { Page } from "../records/collection.ts";
import type { FileRecord } from "../records/file-record.ts";
import { createFile } from "../records/file-record.ts";
import type { FileStore } from "../records/file-store.ts";
import type { HostContext, HostEnv } from "./request.ts";
import { queryOf } from "./request.ts";

const MAX_IDS = 100;

/** The routes of files. */
export function fileRoutes(files: FileStore): Hono<HostEnv> {
  return new Hono<HostEnv>()
    .post("/", async (c) => {
      const form = await readForm(c);
      const upload = form.get("file");
      const lifetime = form.get("expires_in_seconds");
      if (!(upload instanceof File)) throw invalid("file is required: a part of the form with a filename.");
      const file = createFile(upload, typeof lifetime === "string" ? lifetime : null);
      const bytes = new Uint8Array(await upload.arrayBuffer());
      return Response.json(await files.add(file, bytes, c.get("keyed")));
    })
    .get("/", async (c) => {
      const query = queryOf(c);
      const ids = [...new Set(listOf(query, "ids"))];
      const scope = query.get("scope_id");
      const isListed = (file: { readonly scope: { readonly id: string } | null }) =>
        scope === null || file.scope?.id === scope;
      if (ids.length === 0) {
        const request = { order: "desc", ...pageOf(query), page: cursorOf(query) } as const;
        return Response.json(listed(query, await files.records.list({ ...request, accept: isListed })));
      }
      if (ids.length > MAX_IDS) throw invalid(`ids[] takes at most ${MAX_IDS} ids.`);
      if (query.has("page") || query.has("limit"))
        throw invalid("ids[] is answered in one page; leave page and limit out.");
      const named = await Promise.all(ids.map((id) => files.records.get(id)));
      const data = named.filter((file) => file !== undefined).filter(isListed);
      return Response.json(listed(query, { data, next_page: null, prev_page: null }));
    })
    .get("/:id", async (c) => Response.json(await files.get(c.req.param("id"))))
    .get("/:id/content", async (c) => {
      const id = c.req.param("id");
      const { filename, mime_type: type } = await files.get(id);
      return new Response(await files.bytes(id), {
        headers: {
          "content-type": type,
          // Served as an attachment: an uploaded page must not run in this host's origin (XSS).
          "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(filename)}`,
          "x-content-type-options": "nosniff",
        },
      });
    })
    .delete("/:id", async (c) => {
      const { id } = await files.get(c.req.param("id"));
      await files.delete(id);
      return Response.json({ id, type: "file_deleted" });
    });
}

/** The page asked for: by its cursor or, as clients before version 0.137 of the official SDK do, by the id of a file. */
function cursorOf(query: URLSearchParams): string | null {
  const [after, before] = [query.get("after_id"), query.get("before_id")];
  if (after !== null) return cursorAt("desc", "next", after);
  if (before !== null) return cursorAt("desc", "prev", before);
  return pageOf(query).page;
}

/** A page in the terms of both. */
function listed(query: URLSearchParams, { data, next_page, prev_page }: Page<FileRecord>): JsonObject {
  const more = query.has("before_id") ? prev_page : next_page;
  const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
  return { data, next_page, has_more: more !== null, ...ends };
}

async function readForm(c: HostContext): Promise<FormData> {
  const type = c.req.header("content-type") ?? "";
  if (!type.toLowerCase().startsWith("multipart/form-data"))
    throw invalid("A file is uploaded as multipart/form-data.");
  try {
    return await new Response(c.get("body"), { headers: { "content-type": type } }).formData();
  } catch {
    throw invalid("The body is not valid multipart/form-data.");
  }
}
