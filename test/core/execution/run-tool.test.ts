import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { describe, expect, it, vi } from "vitest";
import { z } from "zod";

import { resultText, textResult } from "../../../src/core/results.ts";
import { defineTool, toolContent } from "../../../src/core/tool.ts";
import { manualClock, settleMicrotasks } from "../../../src/testing/manual-clock.ts";
import { context, runIt, toolThat } from "./tool-calls.ts";

describe("a tool that works", () => {
  it("gets its input as the schema gives it out, and what there is to know about the call [A-131] [A-134] [B-08]", async () => {
    const execute = vi.fn<(input: { count: number }, about: unknown) => string>(() => "done");
    const input = z.object({ count: z.string().transform(Number) });
    const result = await runIt(defineTool({ name: "t", description: "d", input, execute }), {
      input: { count: "3" },
    });
    expect(result).toEqual(textResult("done"));
    expect(execute).toHaveBeenCalledExactlyOnceWith(
      { count: 3 },
      { ...context, signal: expect.any(AbortSignal) },
    );
  });

  const returns: Record<string, readonly [returned: unknown, text: string]> = {
    "a text": ["42", "42"],
    "an object": [{ id: 42, lines: [null, true] }, '{"id":42,"lines":[null,true]}'],
    "a number": [0, "0"],
    no: [false, "false"],
    null: [null, "null"],
    "a date": [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    nothing: [undefined, "(no output)"],
    "an empty text": ["", "(no output)"],
    "a promise": [Promise.resolve({ a: 1 }), '{"a":1}'],
  };

  it.each(Object.entries(returns))("may return %s [A-132]", async (_, [returned, text]) => {
    expect(await runIt(toolThat(() => returned))).toEqual(textResult(text));
  });
});

describe("a tool that returns what is not JSON", () => {
  it.each([new Map([["a", 1]]), new Set([1]), new Response("text"), new Headers(), new Blob([])])(
    "fails, and says so: %s",
    async (returned) => {
      const result = await runIt(toolThat(() => returned));
      expect(result.isError).toBe(true);
      expect(resultText(result)).toMatch(
        new RegExp(
          `^Error: the tool returned something that is not JSON: a ${returned.constructor.name}; return what`,
        ),
      );
    },
  );

  it("may return what JSON can say of an object of a class", async () => {
    class Point {
      x = 1;
    }
    expect(await runIt(toolThat(() => new Point()))).toEqual(textResult('{"x":1}'));
  });
});

describe("a tool that returns content", () => {
  it("has every text bounded and well-formed: titles, addresses, documents, what was found", async () => {
    const found = {
      type: "search_result",
      source: "s".repeat(60),
      title: "t\ud800",
      text: "x".repeat(60),
    } as const;
    const page = {
      type: "document",
      mediaType: "text/plain",
      title: "\udc00",
      data: "y".repeat(60),
    } as const;
    const scan = {
      type: "document",
      mediaType: "application/pdf",
      title: "z".repeat(60),
      data: "JVBERi0=",
    } as const;
    const run = { maxResultChars: 100 };
    const result = await runIt(
      toolThat(() => toolContent([found, page, scan])),
      {},
      run,
    );
    expect(result.content).toEqual([
      { type: "search_result", source: "s".repeat(60), title: "t\ufffd", text: "x".repeat(38) },
      { type: "document", mediaType: "application/pdf", title: undefined, data: "JVBERi0=" },
      { type: "text", text: expect.stringMatching(/^\[143 more characters were left out/) },
    ]);
  });

  const image = { type: "image", mediaType: "image/png", data: "iVBORw0KGgo=" } as const;
  const document = {
    type: "document",
    mediaType: "application/pdf",
    data: "JVBERi0=",
    title: "Invoice",
  } as const;

  it("has its blocks passed on", async () => {
    const content = [{ type: "text", text: "Here:" }, image, document] as const;
    expect(await runIt(toolThat(() => toolContent(content)))).toEqual({ content, isError: false });
  });

  it("may say that it failed, without throwing [F4-throw]", async () => {
    const soldOut = toolContent([{ type: "text", text: "sold out" }], { isError: true });
    expect(await runIt(toolThat(() => soldOut))).toEqual(textResult("sold out", true));
  });

  it("sends no empty text, which hosts refuse", async () => {
    const empty = { type: "text", text: "" } as const;
    expect(await runIt(toolThat(() => toolContent([])))).toEqual(textResult("(no output)"));
    expect(await runIt(toolThat(() => toolContent([empty], { isError: true })))).toEqual(
      textResult("(no output)", true),
    );
    expect(await runIt(toolThat(() => toolContent([empty, image])))).toEqual({
      content: [image],
      isError: false,
    });
  });

  it("gets an error for content that is none", async () => {
    const result = await runIt(toolThat(() => toolContent([{ type: "text" } as never])));
    expect(result.isError).toBe(true);
  });
});

describe("a result that is too long", () => {
  it.each([
    ["a text", (page: string) => page],
    ["JSON", (page: string) => ({ page })],
    ["an error", (page: string) => Promise.reject(new Error(page))],
  ])("keeps nothing of what was left out in memory: %s", async (_, answer) => {
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    const used = () => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const before = used();
    const kept = await runIt(toolThat(() => answer("x".repeat(2 ** 25))));
    expect(used() - before).toBeLessThan(2 ** 24);
    expect(resultText(kept)).toContain("xxx");
  });

  it("is cut at the limit, and says how much was left out [I10]", async () => {
    const result = await runIt(
      toolThat(() => "x".repeat(5_000)),
      {},
      { maxResultChars: 100 },
    );
    expect(result).toEqual({
      content: [
        { type: "text", text: "x".repeat(100) },
        { type: "text", text: "[4900 more characters were left out; ask for less at a time]" },
      ],
      isError: false,
    });
  });

  it("is counted over all its texts, and leaves no empty one behind [I10]", async () => {
    const texts = ["aaaa", "bbbb", "cccc"].map((text) => ({ type: "text", text }) as const);
    const result = await runIt(
      toolThat(() => toolContent(texts)),
      {},
      { maxResultChars: 4 },
    );
    expect(result.content.map((block) => block.type === "text" && block.text)).toEqual([
      "aaaa",
      "[8 more characters were left out; ask for less at a time]",
    ]);
  });

  it("is not touched at the limit, nor without one", async () => {
    expect(
      await runIt(
        toolThat(() => "xx"),
        {},
        { maxResultChars: 2 },
      ),
    ).toEqual(textResult("xx"));
    const long = "x".repeat(1_000_000);
    expect(
      await runIt(
        toolThat(() => long),
        {},
        { maxResultChars: Infinity },
      ),
    ).toEqual(textResult(long));
  });

  it("is never cut within a character: half an emoji makes a request no host can read", async () => {
    const text = resultText(
      await runIt(
        toolThat(() => "ab😀"),
        {},
        { maxResultChars: 3 },
      ),
    );
    expect(text).toMatch(/^ab\uFFFD\n\[1 more characters/);
    expect(resultText(await runIt(toolThat(() => "😀".slice(0, 1))))).toBe("\uFFFD");
    const failing = toolThat(() => Promise.reject(new Error("😀".repeat(2_000).slice(1))));
    expect(resultText(await runIt(failing)).isWellFormed()).toBe(true);
  });
});

describe("a call that cannot be executed", () => {
  const execute = vi.fn<() => string>(() => "ran");

  it("names the tools there are, when it is of none of them [F4-unknown-tool] [B-08]", async () => {
    const result = await runIt(toolThat(execute), { name: "lookup_ordr" });
    expect(result).toEqual(textResult('There is no tool named "lookup_ordr". The tools are: t.', true));
    const none = await runIt(toolThat(execute), {}, { tools: new Map() });
    expect(resultText(none)).toBe('There is no tool named "t". The tools are: none.');
  });

  it.each(["constructor", "__proto__", "toString", ""])("does not take %j for a tool", async (name) => {
    expect(await runIt(toolThat(execute), { name })).toMatchObject({ isError: true });
  });

  it("says why its arguments could not be read, and does not run [F4-malformed]", async () => {
    const problem = "Unterminated string in JSON at position 12";
    const result = await runIt(toolThat(execute), { input: {}, problem });
    expect(result).toEqual(
      textResult(`The input of t could not be read: ${problem}. Send valid JSON.`, true),
    );
    expect(execute).not.toHaveBeenCalled();
  });

  it("lists what is wrong with its input, and does not run [F4-schema] [B-08]", async () => {
    const input = z.object({ id: z.string(), count: z.number() });
    const result = await runIt(defineTool({ name: "t", description: "d", input, execute }), {
      input: { id: 42 },
    });
    expect(result.isError).toBe(true);
    expect(resultText(result)).toMatch(/^Invalid input for t:\n- id: .*string.*\n- count: .*number/);
    expect(execute).not.toHaveBeenCalled();
  });

  it("lists no more than a model can use [I10]", async () => {
    const input = z.object({ items: z.array(z.enum(["a".repeat(5_000)])) });
    const items = Array.from({ length: 1_000 }, () => "b");
    const tool = defineTool({ name: "t", description: "d", input, execute });
    const lines = resultText(await runIt(tool, { input: { items } }, { maxResultChars: 100_000 })).split(
      "\n",
    );
    expect(lines).toHaveLength(22);
    expect(lines.at(-1)).toBe("- and 980 more");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(600);
  });

  it("is an error when its input cannot be checked [F4-schema]", async () => {
    const input = z.object({
      id: z.string().refine(() => {
        throw new Error("no connection");
      }),
    });
    const tool = defineTool({ name: "t", description: "d", input, execute });
    expect(await runIt(tool, { input: { id: "a" } })).toEqual(textResult("Error: no connection", true));
    expect(execute).not.toHaveBeenCalled();
  });
});

describe("the deadline", () => {
  it("answers for a tool that ignores its signal [I8] [F4-abort-ignoring-tool] [B-27]", async () => {
    const clock = manualClock();
    let signal: AbortSignal | undefined;
    const never = toolThat(() => undefined, {
      execute: (_, about) => {
        ({ signal } = about);
        return new Promise(() => undefined);
      },
    });
    const result = runIt(never, {}, { clock });
    await clock.advance(999);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    expect(await result).toEqual(textResult("Error: t timed out after 1000 ms", true));
    expect(signal?.reason).toEqual(new Error("t timed out after 1000 ms"));
  });

  it("is the tool's own, where it has one", async () => {
    const clock = manualClock();
    const result = runIt(
      toolThat(() => new Promise(() => undefined), { timeoutMs: 50 }),
      {},
      { clock },
    );
    await clock.advance(50);
    expect(resultText(await result)).toBe("Error: t timed out after 50 ms");
  });

  it("holds for the checking of the input too, and the tool is not begun after it [I8]", async () => {
    const clock = manualClock();
    const late = Promise.withResolvers<boolean>();
    const execute = vi.fn<() => string>(() => "ran");
    const input = z.object({ id: z.string().refine(() => late.promise) });
    const result = runIt(
      defineTool({ name: "t", description: "d", input, execute }),
      { input: { id: "a" } },
      { clock },
    );
    await clock.advance(1_000);
    expect(resultText(await result)).toBe("Error: t timed out after 1000 ms");
    late.resolve(true);
    await settleMicrotasks();
    expect(execute).not.toHaveBeenCalled();
  });

  it("leaves nothing behind, however the call ends [I10] [I12]", async () => {
    const clock = manualClock();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    const never = new Promise(() => undefined);
    const ends = [() => Promise.resolve("done"), () => Promise.reject(new Error("no")), () => never];
    const results = ends.map((end) => runIt(toolThat(end), {}, { clock, signal }));
    expect(clock.waiting).toBe(3);
    await clock.advance(1_000);
    await Promise.all(results);
    expect(clock.waiting).toBe(0);
    expect(added).toHaveBeenCalledTimes(3);
    expect(removed).toHaveBeenCalledTimes(3);
  });

  it("is not set for a tool that is done at once", async () => {
    const clock = manualClock();
    const tool = toolThat(() => "done");
    await tool.schema.validate({}); // what checks its schema is there now
    const result = runIt(tool, {}, { clock });
    expect(clock.waiting).toBe(0);
    expect(resultText(await result)).toBe("done");
  });

  it("is not disturbed by what a tool does after it", async () => {
    const clock = manualClock();
    const late = Promise.withResolvers<string>();
    const result = runIt(
      toolThat(() => late.promise),
      {},
      { clock },
    );
    await clock.advance(1_000);
    late.reject(new Error("too late")); // an unhandled rejection here would fail the test run
    await settleMicrotasks();
    expect(await result).toMatchObject({ isError: true });
  });
});

describe("a call that is cancelled", () => {
  it("returns at once, and its tool is told [F4-abort-ignoring-tool] [I12]", async () => {
    const cancel = new AbortController();
    let signal: AbortSignal | undefined;
    const tool = toolThat(() => undefined, {
      execute: (_, about) => {
        ({ signal } = about);
        return new Promise(() => undefined);
      },
    });
    const result = runIt(tool, {}, { signal: cancel.signal });
    await settleMicrotasks();
    cancel.abort();
    expect(await result).toEqual(textResult("Error: t was cancelled", true));
    expect(signal?.aborted).toBe(true);
  });

  it("is not begun when it was cancelled before", async () => {
    const clock = manualClock();
    const execute = vi.fn<() => string>(() => "ran");
    const result = await runIt(toolThat(execute), {}, { signal: AbortSignal.abort(), clock });
    expect(resultText(result)).toBe("Error: t was cancelled");
    expect(execute).not.toHaveBeenCalled();
    expect(clock.waiting).toBe(0);
  });
});
