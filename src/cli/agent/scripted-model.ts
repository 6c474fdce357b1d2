/**
 * The model of `loophost serve` when there is no real one: it calls the tools it is told to call, by name and with the
 * input given, and repeats what they answered. No language model, and it says so.
 */

import { resultText } from "../../core/results.ts";
import type { TranscriptMessage } from "../../core/transcript.ts";
import type { ModelFunction, ModelPart, ModelRequest } from "../../providers/local/models/function-model.ts";
import { shorten } from "../screen/format.ts";

/** Answers as it is told: `lookup_order {"id":"42"}` on a line of its own is a call. */
export const scriptedModel: ModelFunction = (request) => {
  const last = request.messages.at(-1);
  if (last?.role === "tool") return repeat(last);
  const calls = readCalls(request);
  return calls.length > 0 ? calls : introduce(request);
};

function readCalls({ messages, tools }: ModelRequest): ModelPart[] {
  const names = new Set(tools.map((tool) => tool.name));
  return textOfUser(messages.at(-1))
    .split("\n")
    .flatMap((line, index) => {
      const [, name = "", json = ""] = /^\s*([\w-]+)\s*(\{.*\})?\s*$/.exec(line) ?? [];
      const input = parse(json || "{}");
      if (!names.has(name) || input === undefined) return [];
      return [{ type: "tool_call", id: `scripted_${messages.length}_${index}`, name, input }];
    });
}

function repeat({ results }: Extract<TranscriptMessage, { role: "tool" }>): string {
  return results
    .map(
      ({ name, result }) =>
        `${name} ${result.isError ? "failed" : "answered"}: ${shorten(resultText(result), 1_000)}`,
    )
    .join("\n");
}

function introduce({ tools }: ModelRequest): string {
  const example = tools[0] === undefined ? "" : `, for example: ${tools[0].name} {}`;
  const names = tools.map((tool) => tool.name).join(", ") || "none";
  return (
    "This is the scripted model of loophost; no language model is behind it. " +
    `Write a tool's name and its input on a line, and it is called${example}\nThe tools are: ${names}.`
  );
}

function textOfUser(message: TranscriptMessage | undefined): string {
  if (message?.role !== "user") return "";
  return resultText({ content: message.content, isError: false });
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
