/**
 * Sessions' ids as keys in Restate, which stand in paths there. A path drops `.` and `..`, however they are escaped, so an id
 * that begins with a dot gets a backslash in front, and so does one that begins with a backslash.
 */

/** The key of a session. */
export function toKey(id: string): string {
  return /^[.\\]/.test(id) ? `\\${id}` : id;
}

/** The session of a key. */
export function fromKey(key: string): string {
  return key.startsWith("\\") ? key.slice(1) : key;
}
