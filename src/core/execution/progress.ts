/** Progress of a tool call, from a tool's untrusted code to the reader: bounded in size, copied as plain JSON, never throwing. */

import type { ToolProgressEvent } from "../events.ts";
import type { Json } from "../json.ts";

const MAX_CHARS = 16_000;

/**
 * Emits progress of a call, unless the call is over. What is not JSON, or too long, is dropped: progress must not make
 * a tool fail.
 */
export function tellProgress(
  { id, name, progress }: { readonly id: string; readonly name: string; readonly progress: unknown },
  isRunning: () => boolean,
  tell: (event: ToolProgressEvent) => void,
): void {
  if (!isRunning()) return;
  let plain: Json;
  try {
    const text = JSON.stringify(progress);
    if (text.length > MAX_CHARS) return;
    // A copy, so that what the tool changes later does not change what was told.
    plain = JSON.parse(text);
  } catch {
    return; // no JSON: undefined has no text
  }
  tell({ type: "tool.progress", id, name, progress: plain });
}
