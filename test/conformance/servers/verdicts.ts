// What the checks have to say of each planted server: whatever is not named passes.

import type { Planted } from "./planted.ts";

/** The checks that are asked: what a client needs of a session. */
export const ASKED: readonly string[] = [
  "access.beta-flag",
  "access.versions",
  "access.unknown-body",
  "errors",
  "agents.create",
  "agents.retrieve",
  "environments.create",
  "sessions.create",
  "sessions.retrieve",
  "sessions.unknown-parts",
  "sessions.initial-events",
  "sessions.list",
  "sessions.pages",
  "stream.opens",
  "stream.event-lines",
  "stream.data-lines",
  "stream.names-fit",
  "stream.stays-open",
  "stream.no-replay",
  "stream.two-readers",
  "stream.utf8",
  "stream.unknown-session",
  "turns.running-first",
  "turns.usage-before-idle",
  "turns.usage-adds-up",
  "turns.idle-last",
  "turns.idle",
  "turns.spans",
  "turns.message",
  "turns.processed",
  "turns.status",
  "turns.queue",
  "posts",
  "tools",
  "interrupts.running",
];

/** What is said of one server. */
export interface Verdicts {
  readonly fail?: readonly string[];
  readonly not_tried?: readonly string[];
}

/** A post that is answered with nothing names no events: the echo is missing, and nothing else is. */
const NO_ECHO: Verdicts = { fail: ["posts.echo", "tools.early-answer"] };

const TURNS = [
  "running-first",
  "usage-before-idle",
  "usage-adds-up",
  "idle-last",
  "idle",
  "spans",
  "message",
  "processed",
  "status",
  "queue",
].map((name) => `turns.${name}`);
const TOOLS = [
  "call",
  "requires-action",
  "answer",
  "result-reaches-model",
  "early-answer",
  "error-result",
  "empty-result",
  "partial-answer",
  "answers-together",
].map((name) => `tools.${name}`);
const POSTS = [
  "echo",
  "all-or-none",
  "empty",
  "unknown-type",
  "blocked-message",
  "unknown-result",
  "duplicate-result",
  "duplicate-in-post",
  "late-result",
  "wrong-kind",
].map((name) => `posts.${name}`);
const IN_SESSIONS = [...TURNS, ...TOOLS, ...POSTS, "interrupts.running"];
const STREAM = [
  "opens",
  "event-lines",
  "data-lines",
  "names-fit",
  "stays-open",
  "no-replay",
  "two-readers",
  "utf8",
].map((name) => `stream.${name}`);
const SESSIONS = ["create", "retrieve", "unknown-parts", "initial-events", "list", "pages"].map(
  (name) => `sessions.${name}`,
);
const MADE = ["access.beta-flag", "access.unknown-body"];

/** Each server: how it differs in words and by its switches, and the verdicts. */
export const PLANTED: readonly [string, Planted, Verdicts][] = [
  ["does as described", {}, {}],
  ["answers what it made with 201", { created: 201 }, {}],
  ["answers posts with an empty 202", { postReply: "202 empty" }, NO_ECHO],
  ["answers posts with 204", { postReply: "204" }, NO_ECHO],
  ["answers posts with a word", { postReply: "a word" }, NO_ECHO],
  ["makes no environment without config", { config: "demanded" }, {}],
  ["makes no environment with config", { config: "refused" }, {}],
  ["takes each name of an agent once", { namesOnce: true }, {}],
  ["takes the model of an agent as an object only", { modelObject: true }, {}],
  ["shows messages as taken in the list alone", { marks: "in the list" }, { fail: ["turns.processed"] }],
  ["never shows messages as taken", { marks: "nowhere" }, { fail: ["turns.processed", "turns.queue"] }],
  [
    "wraps what it lists",
    { wraps: true },
    {
      fail: [
        "sessions.initial-events",
        "stream.utf8",
        "turns.processed",
        "turns.queue",
        "posts.echo",
        "posts.all-or-none",
        "posts.blocked-message",
        "posts.duplicate-result",
        "posts.duplicate-in-post",
        "posts.late-result",
      ],
    },
  ],
  [
    "gives stop reasons as words",
    { words: true },
    { fail: ["turns.idle", "tools.answer", "tools.early-answer", "interrupts.running"] },
  ],
  ["says interrupted of an interrupted turn", { saysInterrupted: true }, { fail: ["interrupts.running"] }],
  ["names no frame", { unnamed: true }, { fail: ["stream.event-lines", "stream.names-fit"] }],
  ["sends frames without data", { emptyFrames: true }, { fail: ["stream.data-lines"] }],
  ["says more than anybody asked", { extraFields: true }, {}],
  [
    "makes no agents",
    { lacks: "agents" },
    {
      fail: ["errors.missing-field", "agents.create", "agents.retrieve"],
      not_tried: [...MADE, ...SESSIONS, ...STREAM, ...IN_SESSIONS],
    },
  ],
  [
    "makes no environments",
    { lacks: "environments" },
    { fail: ["environments.create"], not_tried: [...MADE, ...SESSIONS, ...STREAM, ...IN_SESSIONS] },
  ],
  [
    "makes no sessions",
    { lacks: "sessions" },
    {
      fail: ["access.unknown-body", ...SESSIONS],
      not_tried: ["access.beta-flag", ...STREAM, ...IN_SESSIONS],
    },
  ],
  [
    "has no streams",
    { lacks: "stream" },
    { fail: [...STREAM, "stream.unknown-session"], not_tried: IN_SESSIONS },
  ],
];
