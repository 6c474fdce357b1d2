/** Lists in pages, read to their end: by the cursor the server gives, or by the id of the last item where it only says that there is more. */

import { isObject } from "../../../core/json.ts";
import type { ClaudeApi } from "./client.ts";

const MAX_PAGES = 10_000;

/** Reads all pages of a list. Stops at a cursor that comes twice, which would be an endless loop. */
export async function* listPages(
  api: Pick<ClaudeApi, "get">,
  path: string,
  query: Record<string, unknown>,
  signal: AbortSignal,
): AsyncGenerator<readonly unknown[]> {
  const followed = new Set<string>();
  for (let cursor: Cursor | undefined = {}; cursor !== undefined && followed.size < MAX_PAGES;) {
    const body = await api.get(path, { ...query, ...cursor }, signal);
    yield Array.isArray(body["data"]) ? body["data"] : [];
    cursor = nextOf(body);
    const mark = JSON.stringify(cursor ?? {});
    if (followed.has(mark)) return;
    followed.add(mark);
  }
}

type Cursor = { readonly page?: string; readonly after_id?: string };

function nextOf({ data, next_page, has_more, last_id }: Record<string, unknown>): Cursor | undefined {
  if (typeof next_page === "string" && next_page !== "") return { page: next_page };
  if (has_more !== true) return undefined;
  const last: unknown = Array.isArray(data) ? data.at(-1) : undefined;
  const id = last_id ?? (isObject(last) ? last["id"] : undefined);
  return typeof id === "string" ? { after_id: id } : undefined;
}
