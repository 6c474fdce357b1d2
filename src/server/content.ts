/** Content blocks of the wire, as the loop and its models understand them. */

import type { Json, JsonObject } from "../core/json.ts";
import type { ContentBlock } from "../core/results.ts";
import { invalid } from "./errors.ts";
import { isJsonObject, requiredString, typeOf } from "./fields.ts";

/** Reads a list of blocks; what this host cannot fetch is refused. */
export function readContent(content: Json | undefined, owner: string): readonly ContentBlock[] {
  if (!Array.isArray(content)) throw invalid(`${owner} must be a list of content blocks.`);
  return content.map((block: Json, index) => readBlock(block, `${owner}[${index}]`));
}

function readBlock(block: Json, owner: string): ContentBlock {
  if (!isJsonObject(block)) throw invalid(`${owner} must be a content block.`);
  const { source, title } = block;
  const type = typeOf(block);
  switch (type) {
    case "text":
      if (typeof block["text"] !== "string") throw invalid(`${owner}.text must be a string.`);
      return { type, text: block["text"] };
    case "image":
      return { type, ...readData(source, owner) };
    case "document":
      return { type, ...readData(source, owner), ...(typeof title === "string" && { title }) };
    case "search_result":
      return { type: "text", text: searchResultText(block, owner) };
    default:
      throw invalid(`${owner}.type must be "text", "image", "document" or "search_result".`);
  }
}

function readData(source: Json | undefined, owner: string): { mediaType: string; data: string } {
  if (!isJsonObject(source)) throw invalid(`${owner}.source is required.`);
  const where = `${owner}.source.`;
  const { type, data } = source;
  if (type === "base64")
    return {
      mediaType: requiredString(source, "media_type", 256, where),
      data: requiredString(source, "data", Number.POSITIVE_INFINITY, where),
    };
  if (type === "text" && typeof data === "string") return { mediaType: "text/plain", data };
  throw invalid(
    `${where}type: this host fetches neither URLs nor files; send the data as "base64" or "text".`,
  );
}

function searchResultText(block: JsonObject, owner: string): string {
  const title = requiredString(block, "title", 10_000, `${owner}.`);
  const source = requiredString(block, "source", 10_000, `${owner}.`);
  const texts = readContent(block["content"], `${owner}.content`);
  return [`${title} (${source})`, ...texts.flatMap((text) => (text.type === "text" ? [text.text] : []))].join(
    "\n",
  );
}
