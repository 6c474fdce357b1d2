/** How numbers, durations and tool calls are written for people. */

import { relative } from "node:path";

import type { Json } from "../../core/json.ts";
import { isObject } from "../../core/json.ts";
import type { Money, ToolResult, Usage } from "../../core/results.ts";
import { blockText } from "../../core/results.ts";

/** A duration: `<1 ms`, `12 ms`, `1.2 s`, `2 min 5 s`. */
export function formatMs(ms: number): string {
  if (ms < 0.5) return "<1 ms";
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1_000)} s`;
}

/** A moment on the clock of this machine: `2026-11-21 03:42:37`. */
export function formatTime(epochMs: number): string {
  // The Swedish way to write it is the sortable one.
  return new Date(epochMs).toLocaleString("sv-SE");
}

/** A size: `340 B`, `1.2 kB`, `3.4 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** A number of things: `1 turn`, `1,204 turns`. */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;
}

/** Tokens in and out, or nothing where the host did not tell. */
export function formatUsage(usage: Usage): string | undefined {
  const cached = usage.cacheReadTokens;
  const read = usage.inputTokens + usage.cacheWriteTokens + cached;
  if (read + usage.outputTokens === 0) return undefined;
  const ofThese = cached > 0 ? ` (${cached.toLocaleString("en-US")} from cache)` : "";
  return `${count(read, "token")} in${ofThese}, ${usage.outputTokens.toLocaleString("en-US")} out`;
}

/** A call as one short line: `search_text {"text":"lease"}`. */
export function formatCall(name: string, input: unknown): string {
  const json = JSON.stringify(input) ?? "";
  return printable(json === "{}" ? name : `${name} ${shorten(json, 70)}`);
}

/** How much a tool gave back. */
export function resultBytes(result: ToolResult): number {
  return result.content.reduce(
    (sum, block) => sum + Buffer.byteLength(blockText(block) ?? ("data" in block ? block.data : "")),
    0,
  );
}

/** An amount of money: `7.16 USD`. */
export function formatMoney({ minorUnits, currency }: Money): string {
  return `${(minorUnits / 100).toFixed(2)} ${currency}`;
}

/** A path as seen from where the user is, unless that would climb. */
export function fromHere(path: string): string {
  const way = relative("", path);
  return way.startsWith("..") ? path : way || ".";
}

/** A word as a shell takes it. */
export function formatWord(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A text in one line of at most so many characters. */
export function shorten(text: string, max: number): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= max ? line : `${line.slice(0, max - 1)}…`;
}

/** A text that cannot steer the terminal: what a model or a file says may hold escape sequences. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
}

/** How far a tool says it is: its words, and its numbers where it counts. */
export function formatProgress(progress: Json): string {
  if (!isObject(progress))
    return shorten(typeof progress === "string" ? progress : JSON.stringify(progress), 60);
  const { progress: done, total, message } = progress;
  const numbers = typeof done === "number" ? `${done}${typeof total === "number" ? `/${total}` : ""}` : "";
  return shorten([numbers, typeof message === "string" ? message : ""].join(" "), 60);
}
