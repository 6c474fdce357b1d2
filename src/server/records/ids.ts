/**
 * Ids of what the host makes. Opaque to clients; within one process they sort in the order they were made, and after those of
 * other processes that are brought to its knowledge.
 */

/** What an id may name. */
export type IdKind =
  | "agent"
  | "env"
  | "work"
  | "sesn"
  | "sthr"
  | "sevt"
  | "outc"
  | "sesrsc"
  | "file"
  | "req"
  | "host";

let lastMs = 0;
let inSameMs = 0;

/** Makes an id such as `sesn_0mh4k2q9c00…`. */
export function newId(kind: IdKind): string {
  // Monotonic: a clock that is set back must not sort new things before old ones.
  const now = Math.max(lastMs, Date.now());
  inSameMs = now === lastMs ? inSameMs + 1 : 0;
  lastMs = now;
  const uuid = crypto.randomUUID();
  return `${kind}_${digits(now, 9)}${digits(inSameMs, 4)}${uuid.slice(0, 8)}${uuid.slice(9, 13)}`;
}

/** Has every id that is made from now on sort after one that another process made, whose clock may be ahead. */
export function sortAfter(id: string): void {
  const ms = Number.parseInt(/_([0-9a-z]{9})/.exec(id)?.[1] ?? "", 36);
  if (ms >= lastMs) lastMs = ms + 1;
}

/** An id with every character mirrored, so that what was made later sorts first. Its own inverse. */
export function mirrored(id: string): string {
  return id.replace(/[0-9a-z]/g, (digit) => (35 - Number.parseInt(digit, 36)).toString(36));
}

function digits(value: number, width: number): string {
  return value.toString(36).padStart(width, "0");
}
