/** Lists in pages, read to their end: by the cursor the server gives, or by the id of the last item where it only says that there is more. */

import { hasCode, LoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import type { ClaudeApi } from "./client.ts";

const MAX_PAGES = 10_000;

/**
 * Reads all pages of a list. Stops at a cursor that comes twice, which would be an endless loop. A page with too many bytes is
 * asked for again with fewer items.
 */
export async function* listPages(
  api: Pick<ClaudeApi, "get">,
  path: string,
  query: Record<string, unknown>,
  signal: AbortSignal,
): AsyncGenerator<readonly unknown[]> {
  const followed = new Set<string>();
  let smaller: number | undefined;
  for (let cursor: Cursor | undefined = {}; cursor !== undefined;) {
    const limit = smaller ?? query["limit"];
    let body: Record<string, unknown>;
    try {
      body = await api.get(path, { ...query, ...(limit !== undefined && { limit }), ...cursor }, signal);
    } catch (thrown) {
      if (limit === 1 || !hasCode(thrown, "reply_too_large")) throw thrown;
      smaller = Math.max(1, Math.floor((typeof limit === "number" ? limit : USUAL_LIMIT) / 4));
      continue;
    }
    yield Array.isArray(body["data"]) ? body["data"] : [];
    if (smaller !== undefined && smaller * 2 < Number(query["limit"] ?? USUAL_LIMIT)) smaller *= 2;
    else smaller = undefined;
    cursor = nextOf(body);
    const mark = JSON.stringify(cursor ?? {});
    if (followed.has(mark)) return;
    followed.add(mark);
    if (followed.size >= MAX_PAGES)
      throw new LoophostError("host_protocol", `${path}: the host lists more than ${MAX_PAGES} pages.`);
  }
}

/** What hosts give where they are not told how many. */
const USUAL_LIMIT = 20;

type Cursor = { readonly page?: string; readonly after_id?: string };

function nextOf({ data, next_page, has_more, last_id }: Record<string, unknown>): Cursor | undefined {
  if (typeof next_page === "string" && next_page !== "") return { page: next_page };
  if (has_more !== true) return undefined;
  const last: unknown = Array.isArray(data) ? data.at(-1) : undefined;
  const id = last_id ?? (isObject(last) ? last["id"] : undefined);
  return typeof id === "string" ? { after_id: id } : undefined;
}
