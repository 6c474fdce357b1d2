// Replies of model services, made by seed: what the model meant, and one of the many ways in which services write it down.

import * as fc from "fast-check";

/** A reply as it goes over the wire, and what it means. */
export interface Reply {
  readonly wire: "chat" | "messages";
  readonly body: string;
  readonly type: string;
  /** The inputs the model gave, as JSON; none of another may ever run. */
  readonly inputs: readonly string[];
  /** Whether its calls may run: not when it was cut off, at a limit or on its way, refused, or broken off by an error. */
  readonly mayRun: boolean;
}

const json = fc.dictionary(fc.constantFrom("a", "b", "é", "__proto__"), fc.jsonValue({ maxDepth: 2 }), {
  maxKeys: 3,
});
const text = fc.string({ maxLength: 12, unit: "grapheme" });

const meaning = fc.record({
  text: fc.option(text, { nil: "" }),
  thinking: fc.option(text, { nil: "" }),
  inputs: fc.array(json, { maxLength: 3 }),
  /** How the reply ends: by itself, at a limit, refused, in words nobody knows, or not at all. */
  end: fc.constantFrom("whole", "whole", "whole", "limit", "refused", "unknown", "cut", "error", "silent"),
  /** Where the bytes stop when it is cut, from 0 to 1. */
  cutAt: fc.double({ min: 0, max: 1, noNaN: true }),
  /** How the service writes. */
  accent: fc.record({
    pieces: fc.integer({ min: 1, max: 4 }),
    ids: fc.constantFrom("own", "null", "empty", "same"),
    indexes: fc.constantFrom("own", "zero", "none", "from one", "text"),
    names: fc.constantFrom("first", "every", "null later"),
    whole: fc.boolean(),
    usage: fc.constantFrom("none", "end", "choice", "odd"),
    noise: fc.boolean(),
    done: fc.boolean(),
    objects: fc.boolean(),
    choices: fc.boolean(),
    /** A single call in the spelling of before there were several. */
    old: fc.boolean(),
    stops: fc.boolean(),
  }),
});

type Meaning = typeof meaning extends fc.Arbitrary<infer M> ? M : never;

/** Replies over both wires. */
export const reply: fc.Arbitrary<Reply> = fc
  .tuple(fc.constantFrom("chat" as const, "messages" as const), meaning)
  .map(([wire, meant]) => (wire === "chat" ? toChat(meant) : toMessages(meant)));

function cut(body: string, { end, cutAt }: Meaning): string {
  if (end !== "cut") return body;
  return new TextDecoder().decode(new TextEncoder().encode(body).slice(0, Math.floor(cutAt * body.length)));
}

/** One that is cut may run only where the cut came after its end; nothing is known of that here but by its last words. */
function mayRunOf({ end, cutAt }: Meaning): boolean {
  return end === "whole" || end === "unknown" || end === "silent" || (end === "cut" && cutAt > 0.5);
}

function piecesOf(whole: string, count: number): string[] {
  const size = Math.max(1, Math.ceil(whole.length / count));
  return Array.from({ length: Math.ceil(whole.length / size) }, (_, at) =>
    whole.slice(at * size, (at + 1) * size),
  );
}

const frame = (data: object | string, event?: string) =>
  `${event === undefined ? "" : `event: ${event}\n`}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;

function toChat(meant: Meaning): Reply {
  const { accent, end, inputs } = meant;
  const reasons = {
    whole: "tool_calls",
    limit: "length",
    refused: "content_filter",
    unknown: "solar_flare",
  } as const;
  const reason =
    end in reasons ? reasons[end as keyof typeof reasons] : inputs.length === 0 ? "stop" : "tool_calls";
  const idOf = (at: number) => ({ own: `k${at}`, null: null, empty: "", same: "k" })[accent.ids];
  // Without a number or an id nothing says where the next piece belongs but a name: so calls come in one piece then.
  const isBlind = accent.indexes !== "own" && accent.indexes !== "from one" && accent.ids !== "own";
  const indexOf = (at: number) =>
    ({ own: at, zero: 0, none: undefined, "from one": at + 1, text: String(at) })[accent.indexes];
  const usage = {
    prompt_tokens: accent.usage === "odd" ? "many" : 7,
    completion_tokens: 2,
    prompt_tokens_details: { cached_tokens: 3 },
  };
  const call = (at: number, args: unknown, isFirst: boolean) => ({
    ...(indexOf(at) !== undefined && { index: indexOf(at) }),
    ...((isFirst || accent.ids === "own") && { id: idOf(at) }),
    function: {
      ...(isFirst || accent.names === "every"
        ? { name: "tool" }
        : accent.names === "null later"
          ? { name: null }
          : {}),
      arguments: args,
    },
    ...(accent.noise && { extra_content: { sig: "s" } }),
  });
  const isOld = accent.old && inputs.length === 1;
  const calling = (sent: ReturnType<typeof call>) =>
    isOld ? { function_call: sent.function } : { tool_calls: [sent] };
  const delta = (more: object, rest: object = {}) => ({ choices: [{ index: 0, delta: more, ...rest }] });
  const frames: string[] = [];
  if (meant.thinking !== "")
    frames.push(frame(delta({ reasoning_content: meant.thinking, reasoning_details: [{ d: 1 }] })));
  if (meant.text !== "")
    frames.push(frame(delta({ content: accent.objects ? [{ text: meant.text }] : meant.text })));
  inputs.forEach((input, at) => {
    const pieces =
      isBlind || accent.ids === "same"
        ? [JSON.stringify(input)]
        : piecesOf(JSON.stringify(input), accent.pieces);
    pieces.forEach((piece, nth) => {
      const isWholeObject = accent.objects && pieces.length === 1 && Object.keys(input).length > 0;
      frames.push(frame(delta(calling(call(at, isWholeObject ? input : piece, nth === 0)))));
    });
  });
  if (accent.noise)
    frames.unshift(
      ": hello\n\n",
      frame(""),
      frame(delta({ role: "assistant", tool_calls: [null] })),
      frame({ choices: null }),
    );
  const error = { code: 400, message: "no" };
  if (end === "error")
    frames.push(
      accent.choices
        ? frame({ choices: [{ index: 0, error, finish_reason: "error" }] })
        : frame({ error }, accent.noise ? "error" : undefined),
    );
  if (end === "refused" && accent.noise) frames.push(frame(delta({ refusal: "I will not." })));
  if (end !== "silent" && end !== "error")
    frames.push(
      frame({
        ...delta({}, { finish_reason: reason, ...(accent.usage === "choice" && { usage }) }),
        ...(accent.usage === "end" || accent.usage === "odd" ? { usage } : {}),
      }),
    );
  if (accent.done || end === "silent") frames.push(frame("[DONE]"));
  const mayRun = mayRunOf(meant);
  const given = inputs.map((input) => JSON.stringify(input));
  if (!accent.whole)
    return {
      wire: "chat",
      body: cut(frames.join(""), meant),
      type: accent.noise ? "text/plain" : "text/event-stream",
      inputs: given,
      mayRun,
    };
  const message = {
    content: meant.text === "" ? null : meant.text,
    ...(end === "refused" && accent.noise && { refusal: "I will not." }),
    tool_calls: inputs.map((input, at) => call(at, accent.objects ? input : JSON.stringify(input), true)),
  };
  const first = { finish_reason: end === "silent" ? null : reason, message };
  const choices = accent.choices ? [{ ...first, message: { content: "Let me see." } }, first] : [first];
  const body = end === "error" ? { object: "error", message: "no", code: "invalid" } : { choices, usage };
  return {
    wire: "chat",
    body: cut(JSON.stringify(body), meant),
    type: "application/json",
    inputs: given,
    mayRun,
  };
}

function toMessages(meant: Meaning): Reply {
  const { accent, end, inputs } = meant;
  const reasons = {
    whole: "tool_use",
    limit: "max_tokens",
    refused: "refusal",
    unknown: "solar_flare",
  } as const;
  const reason = end in reasons ? reasons[end as keyof typeof reasons] : "end_turn";
  const indexOf = (at: number) =>
    ({ own: at, zero: 0, none: undefined, "from one": at + 1, text: String(at) })[accent.indexes];
  const usage =
    accent.usage === "none" ? null : { input_tokens: accent.usage === "odd" ? "many" : 5, output_tokens: 1 };
  const events: object[] = [{ type: "message_start", message: { content: [], usage } }];
  let at = 0;
  const block = (start: object, deltas: readonly object[]) => {
    const index = indexOf(at);
    events.push({ type: "content_block_start", index, content_block: start });
    for (const delta of deltas) events.push({ type: "content_block_delta", index, delta });
    if (accent.stops || accent.indexes !== "own") events.push({ type: "content_block_stop", index });
    at += 1;
  };
  if (meant.thinking !== "")
    block({ type: "thinking", thinking: "" }, [
      { type: "thinking_delta", thinking: meant.thinking },
      { type: "signature_delta", signature: "s" },
    ]);
  if (meant.text !== "")
    block({ type: "text", text: "" }, [
      { type: "text_delta", text: meant.text },
      ...(accent.noise ? [{ type: "citations_delta", citation: { c: 1 } }, { type: "odd_delta" }] : []),
    ]);
  if (accent.noise) {
    events.push({ type: "ping" }, { type: "hologram" });
    block({ type: "server_tool_use", id: "s1", name: "search", input: {} }, [
      { type: "input_json_delta", partial_json: "{}" },
    ]);
    block({ type: "search_tool_result", tool_use_id: "s1", content: { type: "search_error" } }, []);
    block({ type: "compaction" }, [{ type: "compaction_delta", content: "x" }]);
  }
  inputs.forEach((input, n) => {
    const written = JSON.stringify(input);
    const id = { own: `k${n}`, null: null, empty: "", same: "k" }[accent.ids];
    block(
      { type: "tool_use", id, name: "tool", input: {} },
      piecesOf(written, accent.pieces).map((piece) => ({ type: "input_json_delta", partial_json: piece })),
    );
  });
  if (end === "error")
    events.push({ type: "error", error: { type: "invalid_request_error", message: "no" } });
  if (end !== "silent" && end !== "error")
    events.push({
      type: "message_delta",
      delta: { stop_reason: reason },
      usage: { output_tokens: 9, cache_read_input_tokens: null },
    });
  if (end !== "error") events.push({ type: "message_stop" });
  const mayRun = mayRunOf(meant);
  const given = inputs.map((input) => JSON.stringify(input));
  if (!accent.whole)
    return {
      wire: "messages",
      body: cut(
        events
          .map((event) => frame(event, accent.noise ? (event as { type: string }).type : undefined))
          .join(""),
        meant,
      ),
      type: "text/event-stream",
      inputs: given,
      mayRun,
    };
  const content = [
    ...(meant.text === "" ? [] : [{ type: "text", text: meant.text }]),
    ...inputs.map((input, n) => ({ type: "tool_use", id: `k${n}`, name: "tool", input })),
  ];
  const body =
    end === "error"
      ? { type: "error", error: { type: "invalid_request_error", message: "no" } }
      : { content, stop_reason: end === "silent" ? null : reason, usage };
  return {
    wire: "messages",
    body: cut(JSON.stringify(body), meant),
    type: "application/json",
    inputs: given,
    mayRun,
  };
}
