/** Detects images and documents that a service refuses: one in the history would make every later request fail. */

import type { ContentBlock } from "../../../core/results.ts";

const IMAGES: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

/**
 * Why services do not take a block, as words for whoever gave it; undefined for one they take. Media at an address or in the
 * host's files is not looked at.
 */
export function refusedMedia(block: ContentBlock): string | undefined {
  if (!("data" in block)) return undefined;
  const { type, mediaType, data } = block;
  if (data.trim() === "")
    return `An ${type === "image" ? "image" : "empty document"} of type ${mediaType} without any data.`;
  if (type === "image" && !IMAGES.has(mediaType))
    return `An image of type ${mediaType}, which models do not take; they take ${[...IMAGES].join(", ")}.`;
  return undefined;
}

/** The block, or in its place the words that say why it could not be shown. */
export function shownOrTold(block: ContentBlock): ContentBlock {
  const why = refusedMedia(block);
  return why === undefined ? block : { type: "text", text: `[${why}]` };
}
