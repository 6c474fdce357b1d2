/** What an MCP tool returned, as content for a model: what models take as it is, the rest told in words. */

import { isObject } from "../../core/json.ts";
import type { ContentBlock } from "../../core/results.ts";
import type { ToolContent } from "../../core/tool.ts";
import { toolContent } from "../../core/tool.ts";

/** Reads the result of a call. */
export function toToolContent(result: unknown): ToolContent {
  const { content, structuredContent, isError } = isObject(result) ? result : {};
  const blocks = Array.isArray(content) ? content.filter(isObject).map(toBlock) : [];
  // Servers are asked to put structured content into words as well; this is for those that do not.
  if (blocks.length === 0 && structuredContent !== undefined)
    blocks.push(text(JSON.stringify(structuredContent)));
  return toolContent(blocks, { isError: isError === true });
}

function toBlock(block: Record<string, unknown>): ContentBlock {
  switch (block["type"]) {
    case "text":
      return text(block["text"]);
    case "image":
    case "audio":
      return toFile(block["mimeType"], block["data"], block["type"]);
    case "resource":
      return toResource(isObject(block["resource"]) ? block["resource"] : {});
    case "resource_link": {
      const { name, uri, description } = block;
      return text(
        `[Resource ${asText(name)}: ${asText(uri)}]${description === undefined ? "" : ` ${asText(description)}`}`,
      );
    }
    default:
      return text(JSON.stringify(block));
  }
}

function toResource({ uri, mimeType, text: words, blob }: Record<string, unknown>): ContentBlock {
  if (typeof words === "string") return text(`[Resource ${asText(uri)}]\n${words}`);
  return toFile(mimeType, blob, `resource ${asText(uri)}`);
}

function toFile(mimeType: unknown, base64: unknown, what: string): ContentBlock {
  const mediaType = asText(mimeType) || "application/octet-stream";
  const data = asText(base64);
  if (mediaType.startsWith("image/")) return { type: "image", mediaType, data };
  if (mediaType === "application/pdf") return { type: "document", mediaType, data };
  return text(`[${what}: ${mediaType}, about ${Math.floor((data.length * 3) / 4)} bytes, cannot be shown]`);
}

function text(value: unknown): ContentBlock {
  return { type: "text", text: asText(value) };
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
