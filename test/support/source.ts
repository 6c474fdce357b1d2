// Reads TypeScript source for the tests of this folder that judge it: which modules a file imports, and which of
// its exports nobody has described. rolldown brings the parser; TypeScript 7 offers none to programs.

import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { parseSync, Visitor } from "rolldown/utils";

/** The repository, with a slash at the end. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** A source file by its path from the repository root, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Everything under src/. */
export function readSources(): SourceFile[] {
  const paths = globSync("src/**/*.ts", { cwd: ROOT }).toSorted();
  return paths.map((path) => ({ path, text: readFileSync(ROOT + path, "utf8") }));
}

/** Every module specifier a file names: import, export from, import(), import type, import("x").T. */
export function importsOf({ path, text }: SourceFile): string[] {
  const specifiers: string[] = [];
  const add = (source: object | null): void => {
    if (!source) return;
    // A computed specifier hides where it leads, so it is reported as one that nothing allows.
    specifiers.push("value" in source && typeof source.value === "string" ? source.value : "(computed)");
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source),
    ExportNamedDeclaration: (node) => add(node.source),
    ExportAllDeclaration: (node) => add(node.source),
    ImportExpression: (node) => add(node.source),
    TSImportType: (node) => add(node.source),
  }).visit(parse(path, text).program);
  return specifiers;
}

/** Line numbers of `export * from`. */
export function starExportsOf({ path, text }: SourceFile): number[] {
  const body = parse(path, text).program.body;
  return body.filter((node) => node.type === "ExportAllDeclaration").map((node) => lineAt(text, node.start));
}

/** Line numbers of exported declarations without a doc comment right above them. */
export function undescribedExportsOf({ path, text }: SourceFile): number[] {
  const { program, comments } = parse(path, text);
  const isDescribed = (start: number): boolean =>
    comments.some(({ type, value, end }) => {
      const isDoc = type === "Block" && value.startsWith("*");
      return isDoc && end <= start && text.slice(end, start).trim() === "";
    });
  const lines: number[] = [];
  let overloaded: string | undefined;
  for (const node of program.body) {
    const declaration = node.type === "ExportNamedDeclaration" ? node.declaration : null;
    // The description of a function with overloads stands above the first of them.
    const isOverload = overloaded !== undefined && declaration !== null && nameOf(declaration) === overloaded;
    overloaded = declaration?.type === "TSDeclareFunction" ? nameOf(declaration) : undefined;
    if (declaration && !isOverload && !isDescribed(node.start)) lines.push(lineAt(text, node.start));
  }
  return lines;
}

/** True when a file opens by saying what it is for, after a `#!` line if there is one. */
export function opensWithComment({ text }: SourceFile): boolean {
  return /^(#!.*\n+)?(\/\/ ?\S|\/\*)/.test(text);
}

function nameOf(declaration: object): string | undefined {
  if (!("id" in declaration) || typeof declaration.id !== "object" || declaration.id === null)
    return undefined;
  return "name" in declaration.id ? String(declaration.id.name) : undefined;
}

function parse(path: string, text: string): ReturnType<typeof parseSync> {
  const parsed = parseSync(path, text);
  if (parsed.errors.length > 0) throw new Error(`${path} does not parse: ${parsed.errors[0]?.message}`);
  return parsed;
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
