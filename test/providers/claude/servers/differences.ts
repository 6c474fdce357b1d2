// The ways in which servers of other people were seen to differ.

import type { Differences } from "./other-server.ts";

/** Each way by a sentence. */
export const DIFFERENCES: readonly [string, Differences][] = [
  ["nothing is known", {}],
  ["posts are answered with an empty 202", { postReply: "202 empty" }],
  ["posts are answered with 204", { postReply: "204" }],
  ["posts are answered with a word", { postReply: "a word" }],
  ["posts are answered with nothing, called JSON", { postReply: "200 empty JSON" }],
  ["messages are shown as taken in the list alone", { marks: "in the list" }],
  ["messages are never shown as taken", { marks: "nowhere" }],
  ["what is made is answered with 201", { created: 201 }],
  ["listed events are wrapped as event", { wraps: "event" }],
  ["listed events are wrapped as data", { wraps: "data" }],
  ["stop reasons are words", { words: true }],
  ["frames are empty, ids fit into no header, and fields are unknown or null", { noise: true }],
  ["interrupted turns say so", { saysInterrupted: true }],
];
