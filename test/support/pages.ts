// Reads README.md and docs/ for the tests that hold them to the code: their tables, links and headings.

import { globSync, readFileSync } from "node:fs";

import { ROOT } from "./source.ts";

/** A page for people, by its path from the repository root, with forward slashes. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** README.md and everything in docs/. */
export function readPages(): Page[] {
  const paths = ["README.md", ...globSync("docs/**/*.md", { cwd: ROOT })];
  return paths
    .map((path) => readPage(path.replaceAll("\\", "/")))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** One page. */
export function readPage(path: string): Page {
  return { path, text: readFileSync(ROOT + path, "utf8") };
}

/** The rows of the tables under a heading, each a list of its cells; their headers left out. */
export function rowsUnder({ path, text }: Page, heading: string): string[][] {
  const [, section] = text.split(new RegExp(`^#+ ${heading}$`, "m"));
  if (section === undefined) throw new Error(`${path} has no heading "${heading}"`);
  const lines = (section.split(/^#+ /m)[0] ?? "").split("\n");
  return lines
    .filter((line, index) => line.startsWith("|") && !isHead(line, lines[index + 1] ?? ""))
    .map((line) =>
      line
        .slice(1, -1)
        .split(" | ")
        .map((cell) => cell.trim()),
    );
}

/** What is written as code in a text. */
export function codesIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}

/** The links of a page that stay in the repository: line, file by its path from the root, and anchor if there is one. */
export function localLinksOf({
  path,
  text,
}: Page): { line: number; file: string; anchor: string | undefined }[] {
  const folder = new URL(path, "file:///");
  return text.split("\n").flatMap((content, index) =>
    [...content.matchAll(/\]\((?!\w+:)([^)#]*)(?:#([^)]*))?\)/g)].map(([, target = "", anchor]) => ({
      line: index + 1,
      file: target === "" ? path : new URL(target, folder).pathname.slice(1),
      anchor,
    })),
  );
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf({ text }: Page): string[] {
  const prose = text.replace(/^```[^]*?^```$/gm, "");
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

/** Whether a line of a table is its header, or the rule below that. */
function isHead(line: string, next: string): boolean {
  return isRule(line) || isRule(next);
}

function isRule(line: string): boolean {
  return /^\|[ -]*-[ -]*\|[ |-]*$/.test(line);
}
