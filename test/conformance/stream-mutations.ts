// What can be wrong with streams, lists and turns.

import type { Meddle, Mutation } from "./broken-server.ts";
import {
  errorBody,
  events,
  frames,
  hears,
  json,
  omit,
  refuses,
  replies,
  withoutQuery,
} from "./broken-server.ts";

const POST = /POST .*\/events$/;
const LIST = /GET .*\/events(\?|$)/;
const STREAM = /GET .*\/stream/;

/** The mutations. */
export const streamMutations: readonly Mutation[] = [
  { check: "stream.opens", how: "sends its headers with the first event", make: () => holdHeaders },
  {
    check: "stream.event-lines",
    how: "has data: lines only",
    make: frames(() => (frame) => frame.replace(/^event: .*\n/m, "")),
  },
  {
    check: "stream.data-lines",
    how: "spreads JSON over lines",
    make: frames(() => (frame) => frame.replace(/^data: \{/m, "data: {\ndata: ")),
  },
  {
    check: "stream.data-lines",
    how: "ends a turn with [DONE]",
    make: frames(
      () => (frame) =>
        frame.includes("session.status_idle") ? `${frame}event: message\ndata: [DONE]\n\n` : frame,
    ),
  },
  {
    check: "stream.names-fit",
    how: "calls every event an update",
    make: frames(() => (frame) => frame.replace(/^event: (?!ping).*$/m, "event: update")),
  },
  { check: "stream.stays-open", how: "ends the stream with the turn", make: () => endAtIdle },
  { check: "stream.no-replay", how: "replays the list to a new stream", make: () => replay },
  {
    check: "stream.same-as-list",
    how: "has other ids in the list",
    make: replies(LIST, (body) => ({
      ...body,
      data: body.data.map((event: object) => ({ ...event, id: "x" })),
    })),
  },
  {
    check: "stream.same-as-list",
    how: "keeps usage out of the list",
    make: replies(LIST, (body) => ({
      ...body,
      data: body.data.filter(({ type }: { type: string }) => type !== "session.usage"),
    })),
  },
  {
    check: "stream.two-readers",
    how: "tells each event to one reader",
    make: () => {
      let streams = 0;
      return async (asked, next) => {
        const isSecond = STREAM.test(asked.line) && ++streams === 2;
        const meddle = events((event) => (event.type === "agent.message" ? [] : [event]))();
        return isSecond ? meddle(asked, next) : next(asked);
      };
    },
  },
  { check: "stream.closed-reader", how: "stops work with its reader", make: stopWithReader },
  {
    check: "stream.utf8",
    how: "knows ASCII only",
    make: frames(() => (frame) => frame.replace(/[\u0080-\uffff]/g, "?")),
  },
  {
    check: "stream.unknown-session",
    how: "opens a stream of anything",
    make: () => async (asked, next) =>
      asked.line.includes("sesn_unknown")
        ? new Response(new ReadableStream(), { headers: { "content-type": "text/event-stream" } })
        : next(asked),
  },
  {
    check: "stream.signs-of-life",
    how: "is silent",
    make: frames(() => (frame) => (frame.includes("ping") ? "" : frame)),
  },
  {
    check: "stream.signs-of-life",
    how: "does not name its pings",
    make: frames(() => (frame) => frame.replace("event: ping\n", "")),
  },
  {
    check: "turns.running-first",
    how: "says nothing of running",
    make: events((event) => (event.type === "session.status_running" ? [] : [event])),
  },
  {
    check: "turns.running-first",
    how: "says running after the answer",
    make: moveAfter("session.status_running", "agent.message"),
  },
  {
    check: "turns.usage-before-idle",
    how: "says usage after the idle",
    make: moveAfter("session.usage", "session.status_idle"),
  },
  {
    check: "turns.usage-before-idle",
    how: "has usage without numbers",
    make: events((event) => [event.type === "session.usage" ? { ...event, usage: {} } : event]),
  },
  {
    check: "turns.usage-adds-up",
    how: "counts each turn by itself",
    make: events((event) => [
      event.type === "session.usage" ? { ...event, usage: { output_tokens: 5 } } : event,
    ]),
  },
  {
    check: "turns.idle-last",
    how: "goes on after the idle",
    make: events((event) =>
      event.type === "session.status_idle"
        ? [event, { ...event, id: "sevt_0", type: "span.model_request_end" }]
        : [event],
    ),
  },
  {
    check: "turns.idle",
    how: "has a stop_reason that is a text",
    make: events((event) => [event.stop_reason ? { ...event, stop_reason: event.stop_reason.type } : event]),
  },
  {
    check: "turns.idle",
    how: "leaves out what is null",
    make: events((event) => [omit(event, "stop_details")]),
  },
  {
    check: "turns.spans",
    how: "does not say which request ended",
    make: events((event) => [omit(event, "model_request_start_id")]),
  },
  {
    check: "turns.spans",
    how: "ends the request before its answer",
    make: moveAfter("agent.message", "span.model_request_end"),
  },
  {
    check: "turns.message",
    how: "has content that is a text",
    make: events((event) => [event.type === "agent.message" ? { ...event, content: "hello" } : event]),
  },
  {
    check: "turns.processed",
    how: "never says that a message was taken",
    make: replies(LIST, (body) => ({
      ...body,
      data: body.data.map((event: object) => ({ ...event, processed_at: null })),
    })),
  },
  {
    check: "turns.status",
    how: "is running for ever",
    make: replies(/GET \/v1\/sessions\/[^/]+$/, (body) => ({ ...body, status: "running" })),
  },
  {
    check: "turns.thread-status",
    how: "does not say which thread",
    make: events((event) => [omit(event, "session_thread_id")]),
  },
  {
    check: "turns.queue",
    how: "takes the first message only",
    make: hears(POST, { body: (body) => ({ events: body.events.slice(0, 1) }) }),
  },
  {
    check: "lists.empty",
    how: "leaves out next_page",
    make: replies(LIST, (body) => omit(body, "next_page")),
  },
  {
    check: "lists.events",
    how: "wraps events",
    make: replies(LIST, (body) => ({ ...body, data: body.data.map((event: object) => ({ event })) })),
  },
  {
    check: "lists.pages",
    how: "has a cursor that does not move",
    make: hears(LIST, { line: withoutQuery("page") }),
  },
  {
    check: "lists.pages",
    how: "skips an event between pages",
    make: replies(LIST, (body, { line }) =>
      line.includes("page=") && body.data.length > 1 ? { ...body, data: body.data.slice(1) } : body,
    ),
  },
  {
    check: "lists.pages",
    how: "calls the cursor has_more",
    make: replies(LIST, ({ next_page: cursor, ...body }) => ({ ...body, has_more: cursor !== null })),
  },
  { check: "lists.order", how: "ignores order", make: hears(LIST, { line: withoutQuery("order") }) },
  {
    check: "lists.types",
    how: "does not read brackets",
    make: hears(LIST, { line: withoutQuery("types%5B%5D") }),
  },
  {
    check: "lists.created-at",
    how: "does not read brackets",
    make: hears(LIST, { line: withoutQuery("created_at%5B\\w+%5D") }),
  },
  { check: "lists.bad-cursor", how: "begins again", make: hears(LIST, { line: withoutQuery("page") }) },
  {
    check: "deltas.opt-in",
    how: "previews to everybody",
    make: hears(STREAM, { line: (line) => `${line.split("?")[0]}?event_deltas%5B%5D=agent.message` }),
  },
  {
    check: "deltas.prefix",
    how: "previews under another id",
    make: events((event) => [event.type === "event_delta" ? { ...event, event_id: "sevt_0" } : event]),
  },
  {
    check: "deltas.prefix",
    how: "previews another text",
    make: events((event) => [event.type === "agent.message" ? { ...event, content: [] } : event]),
  },
  {
    check: "deltas.not-listed",
    how: "keeps previews",
    make: replies(LIST, (body) => ({ ...body, data: [...body.data, { type: "event_delta", id: "" }] })),
  },
  {
    check: "deltas.unknown",
    how: "ignores what it does not know",
    make: hears(STREAM, { line: withoutQuery("event_deltas%5B%5D") }),
  },
  {
    check: "threads.primary",
    how: "does not say that it has no parent",
    make: replies(/threads/, (body) => omit(body, "parent_thread_id")),
  },
  {
    check: "threads.events",
    how: "lists nothing",
    make: replies(/threads\/.*events/, () => ({ data: [], next_page: null })),
  },
  {
    check: "threads.stream",
    how: "has it elsewhere",
    make: refuses(({ line }) => /threads\/[^/]+\/stream/.test(line), 404),
  },
  {
    check: "threads.unknown",
    how: "shows its own whatever the id",
    make: () => async (asked, next) =>
      asked.line.includes("sthr_unknown") ? json(errorBody("fine"), 200) : next(asked),
  },
];

/** Says an event only after the next one of another type. */
function moveAfter(moved: string, type: string): () => Meddle {
  return frames(() => {
    let held = "";
    return (frame) => {
      if (frame.includes(`event: ${moved}\n`)) {
        held = frame;
        return "";
      }
      if (!frame.includes(`event: ${type}\n`)) return frame;
      const both = frame + held;
      held = "";
      return both;
    };
  });
}

const holdHeaders: Meddle = async (asked, next) => {
  const response = await next(asked);
  if (!STREAM.test(asked.line) || response.body === null) return response;
  const [body, copy] = response.body.tee();
  const reader = copy.pipeThrough(new TextDecoderStream()).getReader();
  for (let text: string | undefined = ""; text !== undefined && !text.includes("session.");)
    text = (await reader.read()).value;
  return new Response(body, { headers: response.headers });
};

const endAtIdle: Meddle = async (asked, next) => {
  const response = await next(asked);
  if (!STREAM.test(asked.line) || response.body === null) return response;
  const ending = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      controller.enqueue(chunk);
      if (new TextDecoder().decode(chunk).includes("session.status_idle")) controller.terminate();
    },
  });
  return new Response(response.body.pipeThrough(ending), { headers: response.headers });
};

const replay: Meddle = async (asked, next) => {
  const response = await next(asked);
  if (!STREAM.test(asked.line) || response.body === null) return response;
  const list = await next({ ...asked, line: asked.line.replace(/\/stream.*/, "") });
  const { data } = (await list.json()) as { data: { type: string }[] };
  const past = data.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
  const replaying = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(past)),
  });
  return new Response(response.body.pipeThrough(replaying), { headers: response.headers });
};

function stopWithReader(): Meddle {
  let isStopped = false;
  return async (asked, next) => {
    if (isStopped && POST.test(asked.line)) return json(errorBody("gone", "api_error"), 500);
    const response = await next(asked);
    if (!STREAM.test(asked.line) || response.body === null) return response;
    const reader = response.body.getReader();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { value } = await reader.read();
        if (value === undefined) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        isStopped = true;
        await reader.cancel();
      },
    });
    return new Response(body, { headers: response.headers });
  };
}
