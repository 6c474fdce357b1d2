// Goldens of every surface, played through the real code; and the proof that what checks them can fail.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { goldenFolder, goldensOf, shapeProblems } from "./goldens.ts";
import { SURFACES } from "./surfaces.ts";

const shapes = JSON.parse(readFileSync(new URL("shapes.json", import.meta.url), "utf8")) as Record<
  string,
  unknown
>;

describe.each(Object.keys(SURFACES))("goldens of %s", (surface) => {
  it.each(goldensOf(surface))("$name: $says", async (golden) => {
    const played = await SURFACES[surface]?.(golden);
    expect(played?.bodies).toEqual(golden.bodies);
    expect(played?.told).toEqual(golden.told);
    expect(played?.result).toMatchObject(golden.result);
    for (const body of golden.bodies) expect(shapeProblems(body, shapes[surface])).toEqual([]);
  });
});

function folder(...surfaces: readonly string[]): string {
  const made = mkdtempSync(join(tmpdir(), "loophost-goldens-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  for (const surface of surfaces) mkdirSync(join(made, surface));
  return made;
}

it("a folder of one's own is used instead, and one that lacks a surface is refused [A-243]", () => {
  const own = folder("agentcore");
  const golden = { says: "", agent: {}, prompt: "", bodies: [], replies: [], told: [], result: {} };
  writeFileSync(join(own, "agentcore", "mine.json"), JSON.stringify(golden));
  expect(goldensOf("agentcore", goldenFolder(own)).map(({ name }) => name)).toEqual(["mine.json"]);
  expect(() => goldensOf("openai-chat", goldenFolder(own))).toThrow(/no goldens of openai-chat/);
  expect(goldenFolder(" ")).toBe(goldenFolder(""));
});

it("an empty surface fails, and so does one nobody plays [A-244]", () => {
  expect(() => goldensOf("agentcore", folder("agentcore"))).toThrow(/is empty/);
  const here = readdirSync(goldenFolder(), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? entry.name : [],
  );
  expect(here.toSorted()).toEqual(Object.keys(SURFACES).toSorted());
  expect(Object.keys(shapes).toSorted()).toEqual(Object.keys(SURFACES).toSorted());
});

it("a key that is missing, of another type or unknown is named, and so is a shape of an unknown type [A-244]", () => {
  const shape = { a: "string", "b?": "number", list: [{ c: "boolean" }] };
  expect(shapeProblems({ a: "x", list: [{ c: true }] }, shape)).toEqual([]);
  expect(shapeProblems({ a: 1, b: "x", d: 1, list: [{}] }, shape)).toEqual([
    "body.d: unknown",
    "body.a: expected string, got number",
    "body.b: expected number, got string",
    "body.list[0].c: missing",
  ]);
  expect(shapeProblems({ a: "x" }, { a: "text" })).toEqual([
    "body.a: the shape has a type nobody knows, text",
  ]);
  expect(shapeProblems({ a: "x" }, { a: 1 })).toEqual(["body.a: the shape has a type nobody knows, 1"]);
});
