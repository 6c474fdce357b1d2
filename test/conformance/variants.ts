// Servers that are right, and not like ours: what a check must not mind.

import type { Meddle } from "./broken-server.ts";
import { events, frames, replies } from "./broken-server.ts";

/** Another way to be right. */
export interface Variant {
  readonly how: string;
  readonly make: () => Meddle;
}

/** The variants. */
export const variants: readonly Variant[] = [
  {
    how: "frames in its own way: other line ends, comments, retry:, one name for all, cut anywhere",
    make: () => {
      const reframe = frames(
        () => (frame) =>
          frame.includes("event: ping\n")
            ? ": still here\r\n\r\n"
            : `retry: 1000\n${frame.replace(/^event: .*$/m, "event: message")}`.replaceAll("\n", "\r\n"),
      )();
      return async (asked, next) => cutUp(await reframe(asked, next));
    },
  },
  {
    how: "says more: fields and events nobody knows, and a message when it comes and when it is taken",
    make: () => {
      const add = events((event) => {
        const more = { ...event, x_more: { deep: [1] } };
        if (event.type === "user.message") return [{ ...more, processed_at: null }, more];
        const unknown = { id: `${event.id}x`, type: "x.unknown", processed_at: event.processed_at };
        return event.type === "span.model_request_start" ? [unknown, more] : [more];
      })();
      const list = replies(/GET .*\/events(\?|$)/, (body, { line }) => ({
        ...body,
        data: line.includes("limit=") || line.includes("types") ? body.data : withUnknown(body.data),
      }))();
      return (asked, next) => add(asked, (passed) => list(passed, next));
    },
  },
  {
    how: "is slow to list: the latest event is missing at first",
    make: () => {
      let asked = 0;
      return replies(/GET .*\/events\?limit=1000/, (body) => {
        asked += 1;
        return asked % 2 === 1 ? { ...body, data: body.data.slice(0, -1) } : body;
      })();
    },
  },
];

function withUnknown(data: readonly { id: string; type: string; processed_at: string }[]): readonly object[] {
  return data.flatMap((event) =>
    event.type === "span.model_request_start"
      ? [{ id: `${event.id}x`, type: "x.unknown", processed_at: event.processed_at }, event]
      : [event],
  );
}

function cutUp(response: Response): Response {
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (!isStream || response.body === null) return response;
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      for (let at = 0; at < chunk.length; at += 7) controller.enqueue(chunk.subarray(at, at + 7));
    },
  });
  return new Response(response.body.pipeThrough(cut), { headers: response.headers });
}
