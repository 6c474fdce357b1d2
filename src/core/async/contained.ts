/** Calls a callback of the user's so that nothing it does reaches us: a throw, or a promise that rejects, which would end the process as an unhandled rejection. */

import { isObject } from "../json.ts";

/** Calls a callback that only watches; what it throws, now or later, is ignored. */
export function contained(callback: () => unknown): void {
  try {
    const given = callback();
    // A promise costs more than most callbacks do: none is made for one that gave none.
    if (isObject(given) && "then" in given) Promise.resolve(given).catch(() => undefined);
  } catch {
    // An observer watches; it does not take part.
  }
}
