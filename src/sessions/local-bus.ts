/** The bus within one process. */

import { contained } from "../core/async/contained.ts";
import type { Bus } from "../core/bus.ts";
import type { Json } from "../core/json.ts";

/** Makes a bus that carries words within this process. */
export function localBus(): Bus {
  const listeners = new Map<string, Set<(what: Json) => void>>();
  return {
    say(id, what) {
      for (const hear of listeners.get(id) ?? []) contained(() => hear(what));
    },
    listen(id, hear) {
      const own = listeners.get(id) ?? new Set();
      listeners.set(id, own.add(hear));
      return () => {
        own.delete(hear);
        if (own.size === 0) listeners.delete(id);
      };
    },
    close() {
      listeners.clear();
      return Promise.resolve();
    },
  };
}
