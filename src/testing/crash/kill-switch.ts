/** Ends its process by SIGKILL at the place it is told, and counts until then. */

import http from "node:http";
import { syncBuiltinESMExports } from "node:module";

import type { Store } from "../../core/store.ts";
import type { KillPlace } from "./kill-point.ts";

type Countable = "write" | "request" | "tool";

/** Counts what the process does, and ends it there. */
export class KillSwitch {
  readonly #place: KillPlace | null;
  readonly #done = { write: 0, request: 0, tool: 0 };

  constructor(place: KillPlace | null) {
    this.#place = place;
  }

  /** The next thing of a kind is about to be done; gives its number. */
  before(kind: Countable): number {
    this.#done[kind] += 1;
    const number = this.#done[kind];
    this.#dieAt(kind, number, "before");
    return number;
  }

  /** A thing was done; without a number, the last of its kind. */
  after(kind: Countable, number: number = this.#done[kind]): void {
    this.#dieAt(kind, number, "after");
  }

  /** The same store, its appends counted. */
  watchStore(store: Store): Store {
    const { log, records, inbox } = store;
    return {
      log: {
        claim: (id, lease) => log.claim(id, lease),
        renew: (id, fence, ttlMs) => log.renew(id, fence, ttlMs),
        release: (id, fence) => log.release(id, fence),
        delete: (id, fence) => log.delete(id, fence),
        read: (id, after, limit) => log.read(id, after, limit),
        append: async (id, fence, entries, along) => {
          const number = this.before("write");
          const last = await log.append(id, fence, entries, along);
          this.after("write", number);
          return last;
        },
      },
      records,
      inbox,
      close: () => store.close(),
    };
  }

  /** Counts what goes through the global `fetch`. */
  watchFetch(): void {
    const network = globalThis.fetch;
    globalThis.fetch = async (input, init) => {
      const number = this.before("request");
      const response = await network(input, init);
      this.after("request", number);
      return response;
    };
  }

  /** Counts what goes through `node:http`, as the AWS SDK does; `fetch` does not. */
  watchHttp(): void {
    const network = http.request;
    const watched = (...args: Parameters<typeof network>): http.ClientRequest => {
      const number = this.before("request");
      const request = network(...args);
      request.once("response", () => this.after("request", number));
      return request;
    };
    Object.assign(http, { request: watched });
    syncBuiltinESMExports();
  }

  #dieAt(kind: Countable, number: number, when: "before" | "after"): void {
    const place = this.#place;
    if (place === null || "afterMs" in place || place.when !== when) return;
    const planned = { write: 0, request: 0, tool: 0, ...place }[kind];
    if (planned !== number) return;
    process.kill(process.pid, "SIGKILL");
    // SIGKILL may take a moment; block until then, so that nothing else is done.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
}
