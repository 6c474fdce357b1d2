/** What an invocation says, checked as the service checks it. */

import { isObject } from "../../core/json.ts";
import { invalid } from "./refusal.ts";

/** A tool's result, as it was sent. */
export interface SentResult {
  readonly id: string;
  readonly isError: boolean;
  readonly text: string;
}

/** An invocation. */
export interface Invocation {
  readonly text: string;
  readonly results: readonly SentResult[];
  /** Ids of the calls in replayed messages of the assistant's. */
  readonly replayed: readonly string[];
  /** Functions that come with the request; undefined when the harness's own hold. */
  readonly tools: readonly Record<string, unknown>[] | undefined;
  readonly allowedTools: readonly string[] | undefined;
  readonly systemPrompt: string | undefined;
  readonly modelId: string | undefined;
  readonly maxIterations: number;
}

const ID = /^[a-zA-Z0-9_-]{1,64}$/;
const ALLOWED = /^(?=.{1,64}$)(\*|@?[^/]+(\/[^/]+)?)$/;
const MAX_ITERATIONS = 75;

/** Checks the id of a session. */
export function checkSession(id: unknown): string {
  if (typeof id === "string" && /^[a-zA-Z0-9][a-zA-Z0-9_-]{32,99}$/.test(id)) return id;
  throw invalid("runtimeSessionId", "Member must have length greater than or equal to 33");
}

/** Reads the body of an invocation. */
export function readInvocation(body: unknown): Invocation {
  const { messages, tools, allowedTools, systemPrompt, model, maxIterations } = isObject(body) ? body : {};
  if (!Array.isArray(messages) || messages.length === 0)
    throw invalid("messages", "Member must not be empty");
  const seen = new Set<string>();
  const results: SentResult[] = [];
  const replayed: string[] = [];
  let text = "";
  for (const message of messages) {
    const { role, content } = isObject(message) ? message : {};
    if (role !== "user" && role !== "assistant") throw invalid("messages", "unknown role");
    for (const block of Array.isArray(content) ? content : []) {
      const { text: said, toolUse, toolResult } = isObject(block) ? block : {};
      if (said === "") throw invalid("messages", "text must not be empty");
      if (typeof said === "string" && role === "user") text += said;
      if (isObject(toolUse)) replayed.push(readId(toolUse));
      if (isObject(toolResult)) results.push(readResult(toolResult, seen));
    }
  }
  if (text === "" && results.length === 0) throw invalid("messages", "nothing is said");
  const lists = { tools, allowedTools };
  for (const [name, list] of Object.entries(lists))
    if (list !== undefined && !Array.isArray(list)) throw invalid(name, "must be a list");
  return {
    text,
    results,
    replayed,
    tools: Array.isArray(tools) ? tools.map(checkTool) : undefined,
    allowedTools: Array.isArray(allowedTools) ? allowedTools.map(checkAllowed) : undefined,
    systemPrompt: readPrompt(systemPrompt),
    modelId: readModel(model),
    maxIterations: typeof maxIterations === "number" ? maxIterations : MAX_ITERATIONS,
  };
}

/** The first text of a system prompt. */
export function readPrompt(prompt: unknown): string | undefined {
  if (!Array.isArray(prompt)) return undefined;
  return prompt.map((block) => String(isObject(block) ? block["text"] : "")).join("\n");
}

function readResult(toolResult: Record<string, unknown>, seen: Set<string>): SentResult {
  const { content, status } = toolResult;
  const id = readId(toolResult);
  if (seen.has(id)) throw invalid("messages", `the result of ${id} is there twice`);
  seen.add(id);
  const blocks: unknown[] = Array.isArray(content) ? content : [];
  const texts = blocks.map((block) => (isObject(block) ? block["text"] : undefined));
  if (texts.length === 0 || texts.includes("")) throw invalid("messages", "a result must not be empty");
  if (texts.some((part) => typeof part !== "string"))
    throw invalid("messages", "unsupported type in a result");
  return { id, isError: status === "error", text: texts.join("") };
}

function readId({ toolUseId }: Record<string, unknown>): string {
  if (typeof toolUseId === "string" && ID.test(toolUseId)) return toolUseId;
  throw invalid("messages", "toolUseId must match [a-zA-Z0-9_-]{1,64}");
}

function readModel(model: unknown): string | undefined {
  const [config] = isObject(model) ? Object.values(model) : [];
  const id = isObject(config) ? config["modelId"] : undefined;
  return typeof id === "string" ? id : undefined;
}

function checkTool(tool: unknown): Record<string, unknown> {
  const { type, name, config } = isObject(tool) ? tool : {};
  if (typeof type !== "string") throw invalid("tools", "a tool needs its type");
  if (name !== undefined && !(typeof name === "string" && ID.test(name))) throw invalid("tools", "bad name");
  const inline = isObject(config) ? config["inlineFunction"] : undefined;
  const description = isObject(inline) ? inline["description"] : undefined;
  const isFine = typeof description === "string" && description.length > 0 && description.length <= 4_096;
  if (type === "inline_function" && !isFine)
    throw invalid("tools", "description must have 1 to 4096 characters");
  return isObject(tool) ? tool : {};
}

function checkAllowed(pattern: unknown): string {
  if (typeof pattern === "string" && ALLOWED.test(pattern)) return pattern;
  throw invalid("allowedTools", "a pattern must have 1 to 64 characters");
}
