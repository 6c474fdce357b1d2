// README.md and docs/ say what the code says: their tables hold what it holds, and their links lead somewhere.

import { existsSync, globSync, readFileSync } from "node:fs";
import { basename } from "node:path";

import { DEFAULT_LIMITS } from "loophost";
import { expect, it } from "vitest";

import { EXIT, EXIT_OF_ERROR } from "../../src/cli/exit.ts";
import { HELPS } from "../cli/helps.ts";
import {
  anchorsOf,
  codesIn,
  localLinksOf,
  type Page,
  readPage,
  readPages,
  rowsUnder,
} from "../support/pages.ts";
import { ROOT } from "../support/source.ts";

/** What is code in the first column of the tables under a heading. */
function firstColumn(page: Page, heading: string): string[] {
  return rowsUnder(page, heading).flatMap(([first = ""]) => codesIn(first));
}

it.each([
  ["README.md", "Errors"],
  ["docs/errors.md", "Codes"],
])("lists every error code in %s, and no other", (path, heading) => {
  const listed = firstColumn(readPage(path), heading);
  // A record over ErrorCode, so the compiler keeps it complete.
  expect(listed.toSorted()).toEqual(Object.keys(EXIT_OF_ERROR).toSorted());
});

it("lists every entry point in README.md, and no other", () => {
  const { exports, name } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"));
  const entries = Object.keys(exports).map((path) => path.replace(".", name));
  expect(firstColumn(readPage("README.md"), "What to import").toSorted()).toEqual(entries.toSorted());
});

function countOf(names: readonly string[], wanted: string): number {
  return names.filter((name) => name === wanted).length;
}

it("draws the tree in AGENTS.md as it is: every folder of src/ and every file of src/core/", () => {
  const [, section = ""] = readPage("AGENTS.md").text.split("\n## Where things are\n");
  const [, tree = ""] = section.split("```");
  const [, src = ""] = /^src\/\n(?<src>[^]*?)^\S/m.exec(tree) ?? [];
  const drawn = [...src.matchAll(/^ +([\w-]+(?:\/|\.ts)) {2}/gm)].map(([, name = ""]) => name);
  const folders = globSync("src/*/{,**/}", { cwd: ROOT }).map((path) => `${basename(path)}/`);
  const files = globSync("src/core/*.ts", { cwd: ROOT }).map((path) => basename(path));
  // Folders of one name (session/, wire/) are drawn once for each place.
  const wanted = ["index.ts", ...folders, ...files];
  const lacking = wanted.filter((name) => countOf(drawn, name) < countOf(wanted, name));
  const gone = drawn.filter((name) => countOf(wanted, name) < countOf(drawn, name));
  expect([...new Set(lacking)].map((name) => `AGENTS.md: draw ${name}`)).toEqual([]);
  expect([...new Set(gone)].map((name) => `AGENTS.md: ${name} is gone`)).toEqual([]);
});

it("lists the limits in README.md with their defaults", () => {
  const limits = rowsUnder(readPage("README.md"), "Limits").map(([name = "", value]) => [
    codesIn(name)[0],
    Number(value),
  ]);
  expect(limits).toEqual(Object.entries(DEFAULT_LIMITS));
});

it("lists every session event in docs/sessions.md, and no other", () => {
  const source = readFileSync(`${ROOT}src/core/events.ts`, "utf8");
  const types = [...source.matchAll(/^ {2}readonly type: "(.+)";$/gm)].map(([, type = ""]) => type);
  expect(types.length).toBeGreaterThan(0);
  expect(firstColumn(readPage("docs/sessions.md"), "Events").toSorted()).toEqual(types.toSorted());
});

it("lists every command in docs/cli.md, the exit codes, and every option of each command", () => {
  const page = readPage("docs/cli.md");
  expect(firstColumn(page, "The command line")).toEqual(HELPS.map(([name]) => `loophost ${name}`));
  const codes = rowsUnder(page, "Exit codes").map(([code = ""]) => code);
  expect(codes.toSorted()).toEqual(Object.values(EXIT).map(String).toSorted());
  for (const [name, help] of HELPS) {
    const options = [...help.matchAll(/^ {2}(--[\w-]+)/gm)].map(([, option = ""]) => option);
    expect(options.length).toBeGreaterThan(0);
    const section = page.text.split(`\n## loophost ${name}\n`)[1]?.split("\n## ")[0] ?? "";
    const missing = options.filter((option) => option !== "--help" && !section.includes(`\`${option}\``));
    expect(missing, name).toEqual([]);
  }
});

it("links to files and headings that exist", () => {
  const links = readPages().flatMap((page) =>
    localLinksOf(page).map((link) => ({ ...link, from: page.path })),
  );
  expect(links.length).toBeGreaterThan(0);
  const dead = links.filter(({ file, anchor }) => {
    if (!existsSync(ROOT + file)) return true;
    return anchor !== undefined && !anchorsOf(readPage(file)).includes(anchor);
  });
  expect(dead).toEqual([]);
});

it("reads tables, links and headings", () => {
  const text =
    "# A `b`, c!\n\n| x | y |\n| - | - |\n| `p`, `q` | 1 |\n| `r` | 2 |\n\n## Next\n\n[up](../README.md#top), [here](#next), [out](https://a.b/c)\n";
  const page = { path: "docs/a.md", text };
  expect(rowsUnder(page, "A `b`, c!")).toEqual([
    ["`p`, `q`", "1"],
    ["`r`", "2"],
  ]);
  expect(firstColumn(page, "A `b`, c!")).toEqual(["p", "q", "r"]);
  expect(anchorsOf(page)).toEqual(["a-b-c", "next"]);
  expect(localLinksOf(page)).toEqual([
    { line: 10, file: "README.md", anchor: "top" },
    { line: 10, file: "docs/a.md", anchor: "next" },
  ]);
  expect(() => rowsUnder(page, "Missing")).toThrow('docs/a.md has no heading "Missing"');
});
