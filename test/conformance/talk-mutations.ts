// What can be wrong with posts, tools, interrupts and endings.

import type { Meddle, Mutation, SeenBody } from "./broken-server.ts";
import {
  answersWith,
  errorBody,
  events,
  hears,
  json,
  omit,
  pretends,
  refuses,
  replies,
  withoutQuery,
} from "./broken-server.ts";

const POST = /POST .*\/events$/;
const isResult = ({ type }: { type: string }): boolean => type === "user.custom_tool_result";
const isInterrupt = ({ type }: { type: string }): boolean => type === "user.interrupt";
const postOf = (body: SeenBody, is: (event: { type: string }) => boolean): boolean =>
  body?.events?.some(is) === true;

/** The mutations. */
export const talkMutations: readonly Mutation[] = [
  {
    check: "posts.echo",
    how: "says that it is done, and no more",
    make: replies(POST, () => ({ ok: true })),
  },
  {
    check: "posts.all-or-none",
    how: "applies events until one is wrong",
    make: () => async (asked, next) => {
      const response = await next(asked);
      if (!POST.test(asked.line) || response.status !== 400) return response;
      for (const event of asked.body.events) await next({ ...asked, body: { events: [event] } });
      return response;
    },
  },
  { check: "posts.empty", how: "takes nothing for something", make: answersWith(200, POST, /400/) },
  { check: "posts.unknown-type", how: "ignores what it does not know", make: answersWith(200, POST, /400/) },
  {
    check: "posts.blocked-message",
    how: "answers 409, which SDKs send again",
    make: answersWith(409, POST, /400/),
  },
  { check: "posts.blocked-message", how: "loses the message", make: answersWith(200, POST, /400/) },
  { check: "posts.unknown-result", how: "takes it for nothing", make: answersWith(200, POST, /400/) },
  { check: "posts.duplicate-result", how: "takes both", make: answersWith(200, POST, /400/) },
  {
    check: "posts.duplicate-result",
    how: "answers 409, which SDKs send again",
    make: answersWith(409, POST, /400/),
  },
  {
    check: "posts.duplicate-in-post",
    how: "takes the first",
    make: hears(POST, {
      body: (body) => (body.events.every(isResult) ? { events: body.events.slice(0, 1) } : body),
    }),
  },
  { check: "posts.late-result", how: "takes it for nothing", make: answersWith(200, POST, /400/) },
  { check: "posts.late-result", how: "fails", make: answersWith(500, POST, /400/) },
  { check: "posts.wrong-kind", how: "takes either kind", make: answersWith(200, POST, /400/) },
  { check: "posts.unknown-session", how: "takes it for nothing", make: answersWith(200, POST, /404/) },
  {
    check: "tools.call",
    how: "has the input as JSON in a text",
    make: events((event) => [event.input ? { ...event, input: JSON.stringify(event.input) } : event]),
  },
  {
    check: "tools.requires-action",
    how: "names the first call only",
    make: events((event) => [
      event.stop_reason?.event_ids
        ? {
            ...event,
            stop_reason: { ...event.stop_reason, event_ids: event.stop_reason.event_ids.slice(0, 1) },
          }
        : event,
    ]),
  },
  {
    check: "tools.requires-action",
    how: "says end_turn while calls are open",
    make: events((event) => [event.stop_reason ? { ...event, stop_reason: { type: "end_turn" } } : event]),
  },
  {
    check: "tools.answer",
    how: "does not repeat the result",
    make: events((event) => (isResult(event) ? [] : [event])),
  },
  {
    check: "tools.result-reaches-model",
    how: "loses it",
    make: hears(POST, {
      body: (body) => (postOf(body, isResult) ? { events: [{ ...body.events[0], content: [] }] } : body),
    }),
  },
  {
    check: "tools.early-answer",
    how: "wants the idle first",
    make: refuses(({ body }) => postOf(body, isResult)),
  },
  {
    check: "tools.error-result",
    how: "forgets is_error",
    make: hears(POST, {
      body: (body) => ({ events: body.events.map((event: SeenBody) => omit(event, "is_error")) }),
    }),
  },
  {
    check: "tools.empty-result",
    how: "wants content",
    make: refuses(({ body }) => postOf(body, (event) => isResult(event) && !("content" in event))),
  },
  {
    check: "tools.partial-answer",
    how: "says running though it waits",
    make: events((event) =>
      isResult(event) ? [event, { ...event, id: "sevt_0", type: "session.status_running" }] : [event],
    ),
  },
  {
    check: "tools.answers-together",
    how: "takes the first",
    make: hears(POST, {
      body: (body) => (postOf(body, isResult) ? { events: body.events.slice(0, 1) } : body),
    }),
  },
  {
    check: "interrupts.resting",
    how: "says idle again",
    make: events((event) =>
      isInterrupt(event)
        ? [event, { ...event, id: "sevt_0", type: "session.status_idle", stop_reason: { type: "end_turn" } }]
        : [event],
    ),
  },
  {
    check: "interrupts.blocked",
    how: "calls it an error",
    make: events((event) => [
      event.stop_reason?.type === "end_turn"
        ? { ...event, stop_reason: { type: "retries_exhausted" } }
        : event,
    ]),
  },
  { check: "interrupts.blocked", how: "does nothing", make: ignoreFirstInterrupt },
  {
    check: "interrupts.closes-calls",
    how: "leaves calls open",
    make: events((event) => (event.type === "agent.tool_result" ? [] : [event])),
  },
  { check: "interrupts.then-message", how: "goes straight on", make: skipFirstEndTurn },
  {
    check: "interrupts.running",
    how: "calls it an error",
    make: events((event) => [
      event.stop_reason?.type === "end_turn"
        ? { ...event, stop_reason: { type: "retries_exhausted" } }
        : event,
    ]),
  },
  { check: "interrupts.then-queued", how: "loses what waited", make: loseSecondMessage },
  {
    check: "endings.archive",
    how: "says nothing",
    make: events((event) => (event.type === "session.status_terminated" ? [] : [event])),
  },
  {
    check: "endings.archived-reads",
    how: "never lists it again",
    make: hears(/GET \/v1\/sessions\?/, { line: withoutQuery("include_archived") }),
  },
  { check: "endings.archived-posts", how: "takes them for nothing", make: answersWith(200, POST, /400/) },
  {
    check: "endings.delete",
    how: "deletes nothing",
    make: pretends(/DELETE/, ({ line }) => ({ id: line.split("/").at(-1), type: "session_deleted" })),
  },
  {
    check: "endings.delete-ends-streams",
    how: "leaves the stream open",
    make: () => async (asked, next) => {
      const response = await next(asked);
      if (!asked.line.includes("/stream") || response.body === null) return response;
      const held = new TransformStream<Uint8Array, Uint8Array>({ flush: () => new Promise(() => undefined) });
      return new Response(response.body.pipeThrough(held), { headers: response.headers });
    },
  },
  {
    check: "endings.delete-ends-streams",
    how: "says nothing",
    make: events((event) => (event.type === "session.deleted" ? [] : [event])),
  },
  {
    check: "endings.busy",
    how: "answers 409, which SDKs send again",
    make: answersWith(409, /archive|DELETE/, /400/),
  },
  {
    check: "outcomes.evaluated",
    how: "does not say which evaluation ended",
    make: events((event) => [omit(event, "outcome_evaluation_start_id")]),
  },
  {
    check: "outcomes.on-record",
    how: "forgets it",
    make: replies(/GET \/v1\/sessions\/[^/]+$/, (body) => ({ ...body, outcome_evaluations: [] })),
  },
  { check: "outcomes.limits", how: "has none", make: answersWith(200, POST, /400/) },
  {
    check: "permissions.ask",
    how: "does not say that it asks",
    make: events((event) => [omit(event, "evaluated_permission")]),
  },
  {
    check: "permissions.deny",
    how: "keeps the reason to itself",
    make: hears(POST, {
      body: (body) => ({ events: body.events.map((event: SeenBody) => omit(event, "deny_message")) }),
    }),
  },
  {
    check: "permissions.allow",
    how: "takes it for the result",
    make: refuses(({ body }) => postOf(body, ({ type }) => type === "user.tool_result")),
  },
  {
    check: "permissions.late-confirmation",
    how: "refuses the second",
    make: () => {
      let seen = 0;
      return (asked, next) =>
        postOf(asked.body, ({ type }) => type === "user.tool_confirmation") && ++seen === 2
          ? Promise.resolve(json(errorBody("late"), 400))
          : next(asked);
    },
  },
  {
    check: "permissions.allowed",
    how: "asks nevertheless",
    make: events((event) => [event.evaluated_permission ? { ...event, evaluated_permission: "ask" } : event]),
  },
];

function ignoreFirstInterrupt(): Meddle {
  let ignored = 0;
  return (asked, next) =>
    postOf(asked.body, isInterrupt) && ++ignored === 1
      ? Promise.resolve(json({ data: [{ id: "sevt_0", type: "user.interrupt" }] }))
      : next(asked);
}

function skipFirstEndTurn(): Meddle {
  let skipped = 0;
  const isEndTurn = ({ type, stop_reason: reason }: SeenBody) =>
    type === "session.status_idle" && reason.type === "end_turn";
  return events((event) => (isEndTurn(event) && ++skipped === 1 ? [] : [event]))();
}

function loseSecondMessage(): Meddle {
  let messages = 0;
  return (asked, next) =>
    postOf(asked.body, ({ type }) => type === "user.message") && ++messages === 2
      ? Promise.resolve(json({ data: [{ id: "sevt_0", type: "user.message", processed_at: null }] }))
      : next(asked);
}
