// Services that refuse: one refused image, schema, order of roles or half of a character makes every later request fail.

import type { ContentBlock, JsonSchema } from "loophost";
import { defineAgent, defineTool, run, toolContent } from "loophost";
import { anthropicMessages, local, openAICompatible } from "loophost/providers/local";
import { describe, expect, it } from "vitest";

import type { ModelService } from "../../../support/model-service.ts";
import { startService } from "../../../support/model-service.ts";
import { anthropicReply, chatReply } from "./replies.ts";

const WIRES = ["chat", "messages"] as const;
type Wire = (typeof WIRES)[number];

const onBoth = <T extends readonly unknown[]>(rows: readonly T[]) =>
  WIRES.flatMap((wire) => rows.map((row) => [wire, ...row] as const));

/** A service whose model calls the tool once, and then is done. */
function serve(wire: Wire, ...names: readonly string[]): Promise<ModelService> {
  const called =
    wire === "chat"
      ? chatReply(
          {
            tool_calls: names.map((name, index) => ({
              index,
              id: `k${index}`,
              function: { name, arguments: "{}" },
            })),
          },
          "tool_calls",
        )
      : anthropicReply(
          "m1",
          names.map((name, index) => ({ type: "tool_use", id: `k${index}`, name, input: {} })),
          "tool_use",
        );
  const said = { type: "text", text: "done" };
  const done = wire === "chat" ? chatReply({ content: "done" }) : anthropicReply("m2", [said]);
  return names.length === 0 ? startService(done) : startService(called, done);
}

function modelAt(wire: Wire, { url: baseUrl }: ModelService, strictRoles = false) {
  return wire === "chat"
    ? openAICompatible({ baseUrl, strictRoles })
    : anthropicMessages({ baseUrl, apiKey: "key" });
}

function toolOf(result: readonly ContentBlock[] | string, name = "draw", description = "Draws it.") {
  const execute = () => (typeof result === "string" ? result : toolContent(result));
  return defineTool({ name, description, input: { type: "object" }, execute });
}

const image = (mediaType: string, data: string) => ({ type: "image", mediaType, data }) as const;
const PNG = image("image/png", "iVBORw0KGgo=");

describe("an image", () => {
  it.each(
    onBoth([
      ["of TIFF", image("image/tiff", "SUkqAA==")],
      ["of HEIC", image("image/heic", "AAAA")],
      ["under a misspelt type", image("image/jpg", "/9j/")],
      ["under a type in capitals", image("IMAGE/PNG", PNG.data)],
      ["under a type with parameters", image("image/png; charset=binary", PNG.data)],
      ["that is none by its type", image("text/plain", "aGk=")],
      ["without a type", image("", PNG.data)],
      ["of blanks", image("image/png", " \n")],
    ]),
  )("over %s, %s, is told in words or sent as a type services take", async (wire, _, picture) => {
    await using service = await serve(wire, "draw");
    const agent = defineAgent({ name: "a", instructions: "", model: "m", tools: [toolOf([picture])] });
    const { text } = await run(agent, { provider: local({ model: modelAt(wire, service) }), prompt: "go" });
    expect(text).toBe("done");
    const sent = service.asked[1]?.text ?? "";
    const images = wire === "chat" ? sent.match(/"image_url":\{[^}]*\}/g) : sent.match(/"source":\{[^}]*\}/g);
    const fit =
      wire === "chat"
        ? /data:image\/(png|jpeg|gif|webp);base64,[\w+/=]+"/
        : /"media_type":"image\/(png|jpeg|gif|webp)","data":"[\w+/=]+"/;
    expect(images ?? []).toSatisfy((all: string[]) => all.every((one) => fit.test(one)));
  });
});

describe("a service that wants an assistant between results and a user", () => {
  it.each<[string, string[], Parameters<typeof toolOf>[0]]>([
    ["an image", ["draw"], [PNG]],
    ["words and an image", ["draw"], [{ type: "text", text: "Here." }, PNG]],
    ["two calls with an image each", ["draw", "draw"], [PNG]],
    ["an image nobody takes", ["draw"], [image("image/bmp", "Qk0=")]],
    ["words alone", ["draw"], "x"],
  ])("gets one after a tool returned %s", async (_, names, result) => {
    await using service = await serve("chat", ...names);
    const agent = defineAgent({ name: "a", instructions: "", model: "m", tools: [toolOf(result)] });
    const provider = local({ model: modelAt("chat", service, true) });
    const first = await run(agent, { provider, prompt: "go" });
    await run(agent, { provider, history: (first.transcript ?? []).slice(0, -1), prompt: "and?" });
    const orders = service.asked.map(({ text }): string =>
      JSON.parse(text)
        .messages.map(({ role }: { role: string }) => role)
        .join(" "),
    );
    expect(orders.length).toBe(3);
    expect(orders).not.toContainEqual(expect.stringContaining("tool user"));
  });
});

describe("a schema that is sound", () => {
  const text = { type: "string" } as const;
  it.each(
    onBoth<[string, JsonSchema]>([
      ["all of two", { type: "object", allOf: [{ properties: { a: text } }, { properties: { b: text } }] }],
      ["not one", { type: "object", properties: { a: text }, not: { required: ["a"] } }],
      ["one of a list", { type: "object", properties: { a: text }, enum: [{ a: "x" }] }],
      [
        "if and else",
        {
          type: "object",
          properties: { a: text },
          if: { required: ["a"] },
          else: { required: ["b"] },
        },
      ],
      ["an empty name", { type: "object", properties: { "": text, a: text }, required: [""] }],
      ["a name of 65 letters", { type: "object", properties: { ["a".repeat(65)]: text } }],
      ["a name of other letters", { type: "object", properties: { straße: text, "a b": text } }],
      [
        "odd names in a branch",
        { type: "object", anyOf: [{ properties: { "x[]": text } }, { properties: { y: text } }] },
      ],
    ]),
  )("is made fit for %s: %s", async (wire, _, input) => {
    await using service = await serve(wire);
    const tools = [
      defineTool({ name: "odd", description: "d", input, execute: () => "x" }),
      toolOf("x", "good"),
    ];
    const agent = defineAgent({ name: "a", instructions: "", model: "m", tools });
    await run(agent, { provider: local({ model: modelAt(wire, service) }), prompt: "go" });
    const sent = JSON.parse(service.asked[0]?.text ?? "").tools;
    const [odd, good] = sent.map((tool: Record<string, Record<string, unknown>>) =>
      wire === "chat" ? tool["function"]?.["parameters"] : tool["input_schema"],
    );
    expect([odd.type, good.type, typeof odd.properties]).toEqual(["object", "object", "object"]);
    expect(Object.keys(odd)).not.toSatisfy((keys: string[]) =>
      keys.some((key) => ["anyOf", "oneOf", "allOf", "not", "enum"].includes(key)),
    );
    const names = wire === "chat" ? /./s : /^[a-zA-Z0-9_.-]{1,64}$/;
    const given = Object.keys(odd.properties).filter((name) => wire === "messages" || name !== "");
    expect(given).toSatisfy((all: string[]) => all.every((name) => names.test(name)));
    expect(odd.required ?? []).toSatisfy((all: string[]) => all.every((name) => name in odd.properties));
  });
});

describe("half of a character", () => {
  it.each(
    onBoth([
      ["the instructions", { instructions: "a\ud99c" }],
      ["the description of a tool", { description: "a\udc00" }],
      ["what a tool returned", { result: "a\ud99c\ud99c" }],
      ["the text beside an image", { result: [{ type: "text", text: "\udc00\ud83d" } as const, PNG] }],
    ] as [string, { instructions?: string; description?: string; result?: string }][]),
  )("goes to %s as U+FFFD: %s", async (wire, _, { instructions = "", description, result = "x" }) => {
    await using service = await serve(wire, "draw");
    const tools = [toolOf(result, "draw", description)];
    const agent = defineAgent({ name: "a", instructions, model: "m", tools });
    await run(agent, { provider: local({ model: modelAt(wire, service) }), prompt: "go" });
    expect(service.asked.length).toBe(2);
    // What is half of a character is the only thing that is written as an escape here.
    const [first, second] = service.asked.map(({ text }) => JSON.stringify(JSON.parse(text)));
    expect(first).not.toMatch(/\\ud/);
    expect(second).not.toMatch(/\\ud/);
    expect(second).toContain("\ufffd");
  });
});
