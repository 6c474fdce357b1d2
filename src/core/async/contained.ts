/** Calls a callback of the user's so that nothing it does reaches us: a throw, or a promise that rejects, which would end the process as an unhandled rejection. */

/** Calls a callback that only watches; what it throws, now or later, is ignored. */
export function contained(callback: () => unknown): void {
  try {
    Promise.resolve(callback()).catch(() => undefined);
  } catch {
    // An observer watches; it does not take part.
  }
}
