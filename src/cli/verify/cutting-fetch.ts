/** Simulates a broken network: the first stream is cut in the middle, after some of its bytes. */

/** A `fetch` that cuts, and how often it did. */
export interface CuttingFetch {
  readonly fetch: typeof fetch;
  readonly cuts: number;
}

/** Bytes that come through before the cut: some events, and the middle of one. */
const BYTES = 400;

/** Makes one; only streams are cut, and only the first. */
export function cuttingFetch(): CuttingFetch {
  let cuts = 0;
  return {
    fetch: async (...request) => {
      const response = await fetch(...request);
      const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
      if (!isStream || cuts > 0 || response.body === null) return response;
      cuts += 1;
      let left = BYTES;
      const cut = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          controller.enqueue(chunk.subarray(0, left));
          left -= chunk.length;
          if (left <= 0) controller.error(new TypeError("the connection was cut, on purpose"));
        },
      });
      const { status, statusText, headers } = response;
      return new Response(response.body.pipeThrough(cut), { status, statusText, headers });
    },
    get cuts() {
      return cuts;
    },
  };
}
