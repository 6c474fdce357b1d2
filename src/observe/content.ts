/**
 * What may leave the process of messages, inputs and results: nothing, their sizes and digests, or all of it, redacted first
 * and bounded in bytes.
 */

import { createHash } from "node:crypto";

import type { ContentBlock } from "../core/results.ts";

/** How much of what was said leaves the process. */
export type ContentLevel = "off" | "metadata" | "full";

/** Replaces what must not leave; told what the text is, by the name of its attribute or field. */
export type Redact = (text: string, of: string) => string;

/** The rules for content. */
export interface ContentRules {
  readonly level: ContentLevel;
  /** Bytes of one value; what is beyond is cut off. */
  readonly maxBytes: number;
  readonly redact?: Redact | undefined;
}

const NOT_REDACTED = "[not shown: redact failed]";

/** A value as text that may leave: redacted, then bounded. What `redact` fails on is not shown. */
export function shown(value: unknown, of: string, { maxBytes, redact }: Omit<ContentRules, "level">): string {
  let text = typeof value === "string" ? value : toText(value);
  if (redact !== undefined) {
    try {
      const redacted: unknown = redact(text, of);
      text = typeof redacted === "string" ? redacted : NOT_REDACTED;
    } catch {
      text = NOT_REDACTED;
    }
  }
  return bounded(text, maxBytes);
}

/** A text of at most so many bytes in UTF-8, cut between characters. */
function bounded(text: string, maxBytes: number): string {
  // Three bytes at most for each unit of UTF-16: most texts need no look at their bytes.
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  const kept = bytes
    .subarray(0, maxBytes)
    .toString()
    .replace(/\uFFFD$/, "");
  return `${kept}… [${bytes.length - maxBytes} bytes more]`;
}

/** The size and the digest of a value: enough to see which one repeated, without holding it. */
export function measured(value: unknown): { readonly bytes: number; readonly digest: string } {
  const bytes = Buffer.from(typeof value === "string" ? value : toText(value));
  return { bytes: bytes.length, digest: createHash("sha256").update(bytes).digest("hex").slice(0, 16) };
}

/** A message in the form the conventions give for `gen_ai.input.messages` and `gen_ai.output.messages`. */
export function toMessage(role: "user" | "assistant", content: readonly ContentBlock[]): object {
  return { role, parts: content.map(toPart) };
}

function toPart(block: ContentBlock): object {
  if (block.type === "text") return { type: "text", content: block.text };
  if (block.type === "search_result") return { type: "text", content: block.text, title: block.title };
  if ("url" in block) return { type: "uri", modality: block.type, uri: block.url };
  if ("fileId" in block) return { type: "file", modality: block.type, file_id: block.fileId };
  // What an image holds is for no trace: its size says which it was.
  return { type: "blob", modality: block.type, mime_type: block.mediaType, bytes: block.data.length };
}

function toText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}
