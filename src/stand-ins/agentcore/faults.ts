/** Faults of invocations, on demand: each applies to one request, in the order they were added. */

import type { ServerResponse } from "node:http";

import { messageOf } from "../../core/errors.ts";
import type { StreamEvent } from "./agent-session.ts";
import { encodeError, encodeEvent, encodeException } from "./event-stream.ts";
import { Refusal } from "./refusal.ts";

/** A fault. Frames are counted from 0. */
export type Fault =
  /** Refused before anything ran. */
  | { readonly is: "refusal"; readonly status: number; readonly type: string; readonly retryAfter?: number }
  /** The connection is cut: before any byte, after the headers, or in front of a frame. */
  | { readonly is: "reset"; readonly at: "request" | "headers" | number }
  | { readonly is: "exception"; readonly at: number; readonly type: string; readonly message: string }
  /** The same as an ordinary event, after which the stream goes on. */
  | { readonly is: "exception event"; readonly at: number; readonly type: string; readonly message: string }
  | { readonly is: "error"; readonly at: number; readonly code: string; readonly message: string }
  /** A frame ends after so many bytes, and the stream with it. */
  | { readonly is: "cut"; readonly at: number; readonly bytes: number }
  | { readonly is: "bad checksum"; readonly at: number; readonly of: "prelude" | "message" }
  /** JSON on a 200. */
  | { readonly is: "json" }
  | { readonly is: "silence"; readonly at: number }
  /** The stream ends in front of its last `messageStop`. */
  | { readonly is: "no end" }
  /** An event of this name and value is put in front of a frame. */
  | { readonly is: "event"; readonly at: number; readonly event: StreamEvent }
  /** Bytes come one at a time. */
  | { readonly is: "drip" };

/** What can go wrong with a request to the control plane: before it is carried out, or after, when only its answer is lost. */
export type ControlFault =
  | {
      readonly is: "refusal";
      readonly status: number;
      readonly type: string;
      readonly when?: "before" | "after";
    }
  | { readonly is: "reset" | "silence"; readonly when?: "before" | "after" };

/** Suffers a fault of the control plane. */
export function suffer(response: ServerResponse, fault: ControlFault): void {
  if (fault.is === "reset") response.destroy();
  if (fault.is === "refusal") throw new Refusal(fault.status, fault.type, `On demand: ${fault.type}.`);
}

/** Writes the events of a stream, with a fault. The events are all taken, whoever still reads. */
export async function writeStream(
  response: ServerResponse,
  events: AsyncIterable<StreamEvent>,
  fault: Fault | undefined,
): Promise<void> {
  const write = async (bytes: Buffer) => {
    if (response.destroyed) return;
    if (fault?.is !== "drip") return void response.write(bytes);
    for (const byte of bytes) response.write(Buffer.from([byte]));
  };
  let frame = 0;
  let isCut = fault?.is === "reset" && fault.at === "headers";
  response.flushHeaders();
  if (isCut) response.destroy();
  for await (const [type, value] of events) {
    if (isCut) continue;
    const isEnd = type === "messageStop" && String(Object(value).stopReason) !== "tool_result";
    const here = fault !== undefined && "at" in fault && fault.at === frame;
    if ((here && stopsAt(response, fault, encodeEvent(type, value))) || (fault?.is === "no end" && isEnd)) {
      isCut = true;
      if (fault.is === "no end") response.end();
      continue;
    }
    if (here && fault.is === "exception event")
      await write(encodeEvent(fault.type, { message: fault.message }));
    if (here && fault.is === "event") await write(encodeEvent(...fault.event));
    await write(encodeEvent(type, value));
    frame += 1;
  }
  if (!isCut) response.end();
}

/** Ends a stream whose model failed, in its own words: a bare reset would not say what is wrong with it. */
export function breakOff(response: ServerResponse, thrown: unknown): void {
  if (response.destroyed) return;
  const said = `The stand-in's model failed: ${messageOf(thrown)}`;
  response.end(encodeException("internalServerException", said));
}

/** Whether a fault ends the stream in front of this frame; if so, it has. */
function stopsAt(response: ServerResponse, fault: Fault, frame: Buffer): boolean {
  switch (fault.is) {
    case "reset":
      return Boolean(response.destroy());
    case "exception":
      return Boolean(response.end(encodeException(fault.type, fault.message)));
    case "error":
      return Boolean(response.end(encodeError(fault.code, fault.message)));
    case "cut":
      return Boolean(response.end(frame.subarray(0, fault.bytes)));
    case "bad checksum": {
      const at = fault.of === "prelude" ? 8 : frame.length - 1;
      frame[at] = (frame[at] ?? 0) ^ 1;
      return Boolean(response.end(frame));
    }
    case "silence":
      return true;
    case "refusal":
    case "exception event":
    case "json":
    case "no end":
    case "event":
    case "drip":
      return false;
  }
}
