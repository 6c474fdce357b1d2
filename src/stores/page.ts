/** Pages bounded in size: reading many large things at once would fill the memory and block the event loop. */

/** So many characters end a page. */
export const PAGE_CHARS = 1_000_000;

/** The first of some items: at most `limit`, and none behind the one that fills the page. */
export function pageOf<T>(items: Iterable<T>, limit: number, textOf: (item: T) => string): T[] {
  const page: T[] = [];
  let chars = 0;
  for (const item of items) {
    if (page.length >= limit || chars >= PAGE_CHARS) break;
    page.push(item);
    chars += textOf(item).length;
  }
  return page;
}
