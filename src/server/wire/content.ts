/** Content blocks of the wire, as the loop and its models understand them. */

import type { Json, JsonObject } from "../../core/json.ts";
import type { ContentBlock, MediaSource, ToolResult } from "../../core/results.ts";
import { textResult } from "../../core/results.ts";
import { invalid } from "../http/errors.ts";
import { isJsonObject, requiredString, typeOf } from "../http/fields.ts";

/** Finds a file of the host's. What it throws is a refusal. */
export type ReadFile = (id: string) => Promise<{ readonly mediaType: string; readonly data: string }>;

/** Reads a list of blocks. */
export function readContent(content: Json | undefined, owner: string): readonly ContentBlock[] {
  if (!Array.isArray(content)) throw invalid(`${owner} must be a list of content blocks.`);
  return content.map((block: Json, index) => readBlock(block, `${owner}[${index}]`));
}

/** Reads the result of a call. */
export function readResult(event: JsonObject, owner: string): ToolResult {
  const isError = event["is_error"] === true;
  const content = readContent(event["content"] ?? [], owner);
  // Models refuse an empty result.
  return content.length === 0 ? textResult("(no output)", isError) : { content, isError };
}

/** Reads the rubric of an outcome: a text, or a file. */
export function readRubric(rubric: Json | undefined, owner = "rubric"): ContentBlock {
  if (!isJsonObject(rubric)) throw invalid(`${owner} is required: a text or a file.`);
  if (rubric["type"] === "text")
    return { type: "text", text: requiredString(rubric, "content", 262_144, `${owner}.`) };
  if (rubric["type"] === "file")
    return { type: "document", fileId: requiredString(rubric, "file_id", 256, `${owner}.`) };
  throw invalid(`${owner}.type must be "text" or "file".`);
}

/** The files blocks speak of. */
export function filesIn(blocks: readonly ContentBlock[]): readonly string[] {
  return blocks.flatMap((block) => ("fileId" in block ? [block.fileId] : []));
}

/** Blocks with the content of their files; a deleted file is replaced by a note. */
export function withFiles(
  blocks: readonly ContentBlock[],
  readFile: ReadFile,
): Promise<readonly ContentBlock[]> {
  return Promise.all(
    blocks.map(async (block): Promise<ContentBlock> => {
      if (!("fileId" in block)) return block;
      const { fileId, ...rest } = block;
      return readFile(fileId).then(
        (file) => ({ ...rest, ...file }),
        () => ({ type: "text", text: `[The file ${fileId} is not there any more.]` }),
      );
    }),
  );
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
      return { type, ...readSource(source, owner) };
    case "document":
      return { type, ...readSource(source, owner), ...(typeof title === "string" && { title }) };
    case "search_result":
      return { type, ...readSearchResult(block, owner) };
    default:
      throw invalid(`${owner}.type must be "text", "image", "document" or "search_result".`);
  }
}

function readSource(source: Json | undefined, owner: string): MediaSource {
  if (!isJsonObject(source)) throw invalid(`${owner}.source is required.`);
  const where = `${owner}.source.`;
  switch (typeOf(source)) {
    case "base64":
      return {
        mediaType: requiredString(source, "media_type", 256, where),
        data: requiredString(source, "data", Number.POSITIVE_INFINITY, where),
      };
    case "text":
      return {
        mediaType: "text/plain",
        data: requiredString(source, "data", Number.POSITIVE_INFINITY, where),
      };
    case "url":
      return { url: requiredString(source, "url", 10_000, where) };
    case "file":
      return { fileId: requiredString(source, "file_id", 256, where) };
    default:
      throw invalid(`${where}type must be "base64", "text", "url" or "file".`);
  }
}

function readSearchResult(
  block: JsonObject,
  owner: string,
): { readonly source: string; readonly title: string; readonly text: string } {
  const texts = readContent(block["content"], `${owner}.content`);
  return {
    title: requiredString(block, "title", 10_000, `${owner}.`),
    source: requiredString(block, "source", 10_000, `${owner}.`),
    text: texts.flatMap((text) => (text.type === "text" ? [text.text] : [])).join("\n"),
  };
}
