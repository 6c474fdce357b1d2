/** The time, as it stands in records and events. */

/** Now. Unlike moments of a clock it means something to clients, and after a restart. */
export function now(): string {
  return new Date().toISOString();
}
