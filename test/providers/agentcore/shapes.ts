// Replies in every shape the wire allows, and what each comes to.

import { bytesOf, eventFrame, exceptionFrame, frame } from "./frames.ts";
import type { Told } from "./frames.ts";

/** A reply, and what it comes to. */
export interface Shape {
  readonly bytes: Buffer;
  readonly comesTo: {
    readonly stopReason?: string;
    readonly text?: string;
    readonly thinking?: string;
    /** Ids of the calls that wait, in order. */
    readonly open?: readonly string[];
    /** Ids of the host's own calls: begun, and over with their error or not. */
    readonly server?: readonly (readonly [id: string, isError: boolean])[];
    /** Tokens in, and out. */
    readonly tokens?: readonly [number, number];
    /** Names of the events that are passed on as they are. */
    readonly others?: readonly string[];
    readonly error?: { readonly code: string; readonly hostCode?: string };
  };
}

const begun: Told = ["messageStart", { role: "assistant" }];
const answered: Told = ["messageStart", { role: "user" }];
const start = (index: unknown, value?: unknown): Told => [
  "contentBlockStart",
  { contentBlockIndex: index, start: value },
];
const use = (index: number, toolUse: object): Told => start(index, { toolUse });
const delta = (index: unknown, value: unknown): Told => [
  "contentBlockDelta",
  { contentBlockIndex: index, delta: value },
];
const says = (index: number, text: string): Told => delta(index, { text });
const input = (index: number, value: unknown): Told => delta(index, { toolUse: { input: value } });
const stop = (index: number): Told => ["contentBlockStop", { contentBlockIndex: index }];
const ended = (stopReason: unknown): Told => ["messageStop", { stopReason }];
const spent = (inputTokens: number, outputTokens: number, more: object = {}): Told => [
  "metadata",
  {
    usage: { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens, ...more },
    metrics: { latencyMs: 7 },
  },
];
const hook = (type: string, more: object = {}): Told => [
  "hookEvent",
  { hookEventId: crypto.randomUUID(), name: "screen", type, ...more },
];
const shell = [
  begun,
  use(0, { toolUseId: "S1", name: "shell", type: "server_tool_use" }),
  input(0, '{"command":"ls"}'),
  stop(0),
  ended("tool_use"),
];

export const SHAPES: Readonly<Record<string, Shape>> = {
  "reasoning with a signature in two pieces, and what is redacted": {
    bytes: bytesOf(
      begun,
      delta(0, { reasoningContent: { text: "Für " } }),
      delta(0, { reasoningContent: { text: "und wider." } }),
      delta(0, { reasoningContent: { signature: "c2ln" } }),
      delta(0, { reasoningContent: { signature: "MQ==" } }),
      stop(0),
      delta(1, { reasoningContent: { redactedContent: "AAEC" } }),
      stop(1),
      says(2, "Grüße 😀"),
      stop(2),
      ended("end_turn"),
      spent(4, 6, { cacheReadInputTokens: 3, cacheWriteInputTokens: 2 }),
    ),
    comesTo: { stopReason: "end_turn", thinking: "Für und wider.", text: "Grüße 😀", tokens: [4, 6] },
  },
  "calls in one message: an index used twice, one without kind and input": {
    bytes: bytesOf(
      begun,
      says(1, "Looking."),
      stop(1),
      use(2, { toolUseId: "A1", name: "look", type: "tool_use" }),
      input(2, '{"at"'),
      input(2, ":1}"),
      stop(2),
      use(2, { toolUseId: "B2", name: "look", type: "tool_use" }),
      input(2, '{"at":2}'),
      stop(2),
      use(3, { toolUseId: "C3", name: "look" }),
      stop(3),
      ended("tool_use"),
      spent(5, 3),
    ),
    comesTo: { stopReason: "tool_use", text: "Looking.", open: ["A1", "B2", "C3"], tokens: [5, 3] },
  },
  "hooks around a tool of the host's, its result in pieces, a hook behind the end": {
    bytes: bytesOf(
      hook("before_invocation", { decision: "allow", reason: "fine" }),
      ...shell,
      hook("before_tool_call", { decision: "allow" }),
      answered,
      start(0, { toolResult: { toolUseId: "S1", status: "success" } }),
      delta(0, { toolResult: [{ text: "a.txt\n" }] }),
      delta(0, { toolResult: [{ text: "b.txt\n" }, { json: { exit: 0, none: null } }] }),
      delta(0, { toolResultMetadata: { metadata: '{"durati' } }),
      delta(0, { toolResultMetadata: { metadata: 'onMs":3}' } }),
      stop(0),
      hook("after_tool_call"),
      ended("tool_result"),
      begun,
      says(0, "Two."),
      stop(0),
      ended("end_turn"),
      spent(8, 1),
      hook("after_invocation", { decision: "deny", reason: "over budget" }),
    ),
    comesTo: {
      stopReason: "end_turn",
      text: "Two.",
      server: [["S1", false]],
      tokens: [8, 1],
      others: ["hookEvent", "hookEvent", "hookEvent", "hookEvent"],
    },
  },
  "usage after each message, and a call of the host's that failed": {
    bytes: bytesOf(
      ...shell,
      spent(100, 20, { cacheReadInputTokens: 5 }),
      answered,
      start(0, { toolResult: { toolUseId: "S1", status: "error" } }),
      delta(0, { toolResult: [{ text: "no" }] }),
      stop(0),
      ended("tool_result"),
      begun,
      says(0, "It failed."),
      ended("end_turn"),
      spent(130, 9, { cacheWriteInputTokens: 2 }),
    ),
    comesTo: { stopReason: "end_turn", text: "It failed.", server: [["S1", true]], tokens: [230, 29] },
  },
  "text without a start, with an empty one, with none inside, an index again, never stopped": {
    bytes: bytesOf(
      begun,
      says(0, "one "),
      says(0, "two"),
      stop(0),
      start(1, {}),
      says(1, " three"),
      stop(1),
      start(0),
      says(0, " four"),
      stop(0),
      says(5, " five"),
      ended("end_turn"),
      spent(3, 5),
    ),
    comesTo: { stopReason: "end_turn", text: "one two three four five", tokens: [3, 5] },
  },
  "an end for want of iterations, behind a call that nobody will run": {
    bytes: bytesOf(
      begun,
      use(0, { toolUseId: "A1", name: "look" }),
      stop(0),
      ended("tool_use"),
      ended("max_iterations_exceeded"),
      spent(1, 1),
    ),
    comesTo: { stopReason: "max_iterations_exceeded", tokens: [1, 1] },
  },
  "events, members, fields and a stop reason that nobody knows": {
    bytes: bytesOf(
      begun,
      ["heartbeat", { at: 1 }],
      start(0, { image: { format: "png" } }),
      delta(0, { citation: { title: "t" } }),
      stop(0),
      ["contentBlockDelta", { contentBlockIndex: 1, more: [], delta: { text: "held back", more: true } }],
      stop(1),
      ["messageStop", { stopReason: "a_word_of_tomorrow", more: 1 }],
      spent(2, 2, { newTokens: 9 }),
    ),
    comesTo: {
      stopReason: "a_word_of_tomorrow",
      text: "held back",
      tokens: [2, 2],
      others: ["heartbeat", "contentBlockStart", "contentBlockDelta"],
    },
  },
  "null where something could be, and text of no length": {
    bytes: bytesOf(
      ["messageStart", { role: "assistant", more: null }],
      start(null, null),
      delta(0, null),
      says(0, ""),
      says(0, "Hi"),
      delta(0, { reasoningContent: null }),
      stop(0),
      use(1, { toolUseId: "A1", name: "look", type: null, serverName: null }),
      input(1, null),
      input(1, ""),
      input(1, '{"at":1}'),
      stop(1),
      ["metadata", null],
      ["metadata", { usage: null, metrics: null }],
      ["metadata", { usage: { inputTokens: null, outputTokens: -1 } }],
      ["hookEvent", null],
      ended("tool_use"),
    ),
    comesTo: {
      stopReason: "tool_use",
      text: "Hi",
      open: ["A1"],
      tokens: [0, 0],
      others: ["contentBlockDelta", "contentBlockDelta", "hookEvent"],
    },
  },
  "input as an object, where a piece of text belongs": {
    bytes: bytesOf(
      begun,
      use(0, { toolUseId: "A1", name: "look" }),
      input(0, { at: 1 }),
      stop(0),
      ended("tool_use"),
    ),
    comesTo: { stopReason: "tool_use", open: ["A1"] },
  },
  "headers in another order, of other types, and none for the content": {
    bytes: Buffer.concat([
      frame(
        [
          ["größe", "10 µm"],
          [":event-type", "messageStart"],
          ["t", [0, Buffer.alloc(0)]],
          ["b", [2, Buffer.from([1])]],
          ["l", [5, Buffer.alloc(8)]],
          ["bytes", [6, Buffer.from([0, 2, 0xff, 0xfe])]],
          ["at", [8, Buffer.alloc(8)]],
          ["id", [9, Buffer.alloc(16)]],
          [":message-type", "event"],
        ],
        '{"role":"assistant"}',
      ),
      eventFrame(says(0, "Hi")),
      frame(
        [
          [":message-type", "event"],
          [":event-type", "initial-response"],
        ],
        "",
      ),
      frame(
        [
          [":event-type", "hookEvent"],
          [":message-type", "event"],
        ],
        "null",
      ),
      eventFrame(ended("end_turn")),
    ]),
    comesTo: { stopReason: "end_turn", text: "Hi", others: ["initial-response", "hookEvent"] },
  },
  "an error as an ordinary event, and an end as if nothing were": {
    bytes: bytesOf(
      begun,
      says(0, "Al"),
      ["internalServerException", { message: "lost" }],
      says(0, "most."),
      ended("end_turn"),
    ),
    comesTo: { error: { code: "host_failed", hostCode: "InternalServerException" } },
  },
  "an error as the first frame": {
    bytes: exceptionFrame("validationException", "Harness is not READY"),
    comesTo: { error: { code: "host_rejected", hostCode: "ValidationException" } },
  },
  "an error in the middle": {
    bytes: Buffer.concat([bytesOf(begun, says(0, "Al")), exceptionFrame("runtimeClientError", "died")]),
    comesTo: { error: { code: "host_failed", hostCode: "RuntimeClientError" } },
  },
  "an error without a model": {
    bytes: Buffer.concat([
      bytesOf(begun),
      frame(
        [
          [":error-message", "odd"],
          [":error-code", "Odd"],
          [":message-type", "error"],
        ],
        "",
      ),
    ]),
    comesTo: { error: { code: "host_failed", hostCode: "Odd" } },
  },
  "a frame that is neither an event nor an error": {
    bytes: Buffer.concat([
      bytesOf(begun),
      frame(
        [
          [":message-type", "rumour"],
          [":event-type", "messageStop"],
        ],
        "{}",
      ),
    ]),
    comesTo: { error: { code: "host_protocol" } },
  },
  "a frame without headers": {
    bytes: Buffer.concat([bytesOf(begun), frame([], "{}")]),
    comesTo: { error: { code: "host_protocol" } },
  },
  "a header of a type that is none": {
    bytes: frame([[":message-type", [12, Buffer.alloc(0)]]], "{}"),
    comesTo: { error: { code: "host_protocol" } },
  },
  "a payload that is no object": {
    bytes: bytesOf(begun, ["contentBlockDelta", ["text"]], ended("end_turn")),
    comesTo: { error: { code: "host_protocol" } },
  },
  "an end whose reason is null": {
    bytes: bytesOf(begun, says(0, "Hi"), ended(null)),
    comesTo: { error: { code: "host_protocol" } },
  },
  "a call that has no id": {
    bytes: bytesOf(begun, use(0, { name: "look" }), stop(0), ended("tool_use")),
    comesTo: { error: { code: "host_protocol" } },
  },
};
