// The house rules a compiler does not know: short files, and a sentence on every file and export.

import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { problemsWithOutside, watchingCallbacksOf } from "../support/outside.ts";
import {
  opensWithComment,
  readSources,
  ROOT,
  type SourceFile,
  undescribedExportsOf,
} from "../support/source.ts";

/** Where a file has to become two. */
const MAX_LINES = 300;

const OWN_KEYS =
  'is looked up by any string, and "constructor" is a key of every object: make it a Map, or ask Object.hasOwn first';

/** Tables that are indexed by names from outside, and would answer for names nobody put there. */
function tablesOfAnyName(text: string): string[] {
  const tables = text.matchAll(/^(?:export )?const (\w+): (?:Readonly<)?Record<string, .*= \{$/gm);
  return [...tables].map(([, name = ""]) => name).filter((name) => !text.includes(`Object.hasOwn(${name},`));
}

function houseStyleProblems(source: SourceFile): string[] {
  const { path, text } = source;
  const lines = text.trimEnd().split("\n").length;
  return [
    ...(lines > MAX_LINES ? [`${path} has ${lines} lines, more than ${MAX_LINES}`] : []),
    ...(opensWithComment(source) ? [] : [`${path} does not open by saying what it is for`]),
    ...undescribedExportsOf(source).map((line) => `${path}:${line} exports something without a description`),
    ...tablesOfAnyName(text).map((name) => `${path}: ${name} ${OWN_KEYS}`),
  ];
}

/** The command line and the kits for tests call no user's functions; who calls `withRetry` contains its callback. */
const OUR_OWN = /^src\/(cli|testing)\/|^src\/core\/async\/retry\.ts$/;
const isOurOwnCaller = ({ path }: SourceFile) => OUR_OWN.test(path);

/** Whole bodies that are read without a bound: what was read within one before, or is of our own making. */
const NOT_FOREIGN: Readonly<Record<string, string>> = {
  "src/cli/verify/captures.ts": "a request of ours",
  "src/cli/worker/health-server.ts": "an answer of ours",
  "src/server/http/idempotency.ts": "an answer of ours",
  "src/server/routes/files.ts": "parts of a body that readBody read",
  "src/server/routes/request.ts": "its length was looked at, and Node holds it to that",
};

it("contains callbacks, looks names up as own keys, fetches with a signal, and bounds what it reads", () => {
  const sources = readSources();
  const watching = new Set(sources.filter((source) => !isOurOwnCaller(source)).flatMap(watchingCallbacksOf));
  expect(watching.size).toBeGreaterThan(5);
  const isBody = (problem: string) => problem.includes("reads a body");
  const problems = sources.flatMap((source) =>
    problemsWithOutside(source, watching).filter((problem) => isBody(problem) || !isOurOwnCaller(source)),
  );
  const isKnown = (problem: string) =>
    isBody(problem) && Object.hasOwn(NOT_FOREIGN, problem.split(":")[0] ?? "");
  expect(problems.filter((problem) => !isKnown(problem))).toEqual([]);
  expect(new Set(problems.filter(isKnown).map((problem) => problem.split(":")[0])).size).toBe(
    Object.keys(NOT_FOREIGN).length,
  );
});

it("finds src/ in house style", () => {
  const sources = readSources();
  expect(sources.length).toBeGreaterThan(0);
  expect(sources.flatMap(houseStyleProblems)).toEqual([]);
});

describe("the check itself", () => {
  const WATCHING: ReadonlySet<string> = new Set(["onEvent"]);

  it.each([
    "// What it is for.\n/** One. */\nexport const one: number = 1;\n",
    "#!/usr/bin/env node\n// What it is for.\nimport './a.ts';\n",
    "// What it is for.\nexport { one } from './one.ts';\n",
    "// What it is for.\n/** Adds. */\nexport function f(a: 1): 1;\nexport function f(a: 2): 2;\nexport function f(a: any) { return a; }\n",
    `// What it is for.${"\n".repeat(MAX_LINES - 1)}const last = 1;\n`,
  ])("accepts %j", (text) => {
    expect(houseStyleProblems({ path: "src/core/a.ts", text })).toEqual([]);
  });

  it.each([
    ["const one = 1;\n", "does not open"],
    ["//\nconst one = 1;\n", "does not open"],
    ["// For it.\nexport const one: number = 1;\n", "a.ts:2 exports"],
    ["// For it.\n// Not a doc comment.\nexport type One = 1;\n", "a.ts:3 exports"],
    ["// For it.\n/** Of the first. */\nexport type One = 1;\nexport interface Two {}\n", "a.ts:4 exports"],
    ["// For it.\n/** Far away. */\nconst zero = 0;\nexport class One {}\n", "a.ts:4 exports"],
    [`// For it.${"\n".repeat(MAX_LINES)}const last = 1;\n`, "301 lines"],
    ["// For it.\nconst WORDS: Readonly<Record<string, string>> = {\n  a: 'b',\n};\n", "WORDS is looked up"],
  ])("rejects %j", (text, problem) => {
    expect(houseStyleProblems({ path: "src/core/a.ts", text })).toEqual([expect.stringContaining(problem)]);
  });

  it.each([
    ["options.onEvent?.(event);", "calls onEvent bare"],
    ["try { this.#onEvent?.(event); } catch {}", "calls onEvent bare"],
    ["if (name in table) f();", 'asks with "in"'],
    ["await fetch(url, { headers });", "without a signal"],
    ["await response.text();", "reads a body whole by text()"],
    ["await request.clone().arrayBuffer();", "reads a body whole by arrayBuffer()"],
  ])("rejects %j in what comes from outside", (text, problem) => {
    const found = problemsWithOutside(
      { path: "src/core/a.ts", text: `class A { async m() { ${text} } }` },
      WATCHING,
    );
    expect(found).toEqual([expect.stringContaining(problem)]);
  });

  it.each([
    "contained(() => options.onEvent?.(event));",
    "return this.#onEvent?.(event);",
    'if ("url" in block || Symbol.iterator in block || #own in block) f();',
    "await fetch(url, { signal });",
    "await client.fetch(url);",
    "this.text(part); text(); await readText(response.body, limit);",
  ])("accepts %j of what comes from outside", (text) => {
    const found = problemsWithOutside(
      { path: "src/core/a.ts", text: `class A { #own; async m() { ${text} } }` },
      WATCHING,
    );
    expect(found).toEqual([]);
  });

  it("knows which callbacks only watch", () => {
    const text =
      "interface A { readonly onEvent?: ((e: E) => void) | undefined; readonly onAsk?: (() => Promise<X>) | undefined; }";
    expect(watchingCallbacksOf({ path: "src/core/a.ts", text })).toEqual(["onEvent"]);
  });
});

it("locks every package by the hash of its bytes, and by no address", () => {
  const { packages } = JSON.parse(readFileSync(`${ROOT}package-lock.json`, "utf8"));
  const entries = Object.entries<{ integrity?: string; resolved?: string; link?: boolean }>(packages);
  const wrong = entries.filter(
    ([path, { integrity, resolved, link }]) =>
      path !== "" && link !== true && (integrity === undefined || resolved !== undefined),
  );
  expect(entries.length).toBeGreaterThan(100);
  expect(wrong.map(([path]) => path)).toEqual([]);
});
