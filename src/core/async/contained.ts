/** Calls a callback of the user's so that nothing it does reaches us: a throw, or a promise that rejects, which would end the process as an unhandled rejection. */

import { isObject } from "../json.ts";

/** Calls a callback that only watches; what it throws, now or later, is ignored but for whom `onFailure` tells. */
export function contained(callback: () => unknown, onFailure: (thrown: unknown) => void = () => {}): void {
  try {
    const given = callback();
    // A promise costs more than most callbacks do: none is made for one that gave none.
    if (isObject(given) && "then" in given) Promise.resolve(given).catch(onFailure);
  } catch (thrown) {
    onFailure(thrown);
  }
}
