// Finds the TypeScript in README.md and docs/, and has tsc read it as files of a user's: they import "loophost".
//
// A sample may lean on names that its page does not show; a comment right above it declares them:
//
//   <!-- sample: declare const orders: { find(id: string): Promise<string> } -->
//   ```ts
//
// Everything else of the page is blanked out, so a line of a sample has the number it has in the page.

import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";

import type { Page } from "./pages.ts";
import { ROOT } from "./source.ts";

/** A fenced block of a page: its language, and the number of the line that opens it. */
export interface Fence {
  readonly language: string;
  readonly line: number;
}

/** Every fenced block of a page. */
export function fencesOf({ text }: Page): Fence[] {
  const marks = text.split("\n").flatMap((line, index) => {
    const [, language] = /^\s*```(.*)$/.exec(line) ?? [];
    return language === undefined ? [] : [{ language: language.trim(), line: index + 1 }];
  });
  return marks.filter((_, index) => index % 2 === 0);
}

/** The samples of a page, each a module with the page's line numbers. */
export function samplesOf({ text }: Page): string[] {
  const samples = text.matchAll(/(?:<!-- sample:(?<names>[^]*?)-->\n+)?^```ts\n(?<code>[^]*?)^```$/gm);
  return [...samples].map(({ index, 0: whole, groups = {} }) => {
    const { names = "", code = "" } = groups;
    const between = breaksIn(whole) - breaksIn(names) - breaksIn(code);
    return "\n".repeat(breaksIn(text.slice(0, index))) + names + "\n".repeat(between) + code + "export {};\n";
  });
}

function breaksIn(text: string): number {
  return text.split("\n").length - 1;
}

/** What tsc has to say about the samples of some pages, as "docs/tools.md:12: …"; nothing when all is well. */
export async function problemsOf(pages: readonly Page[]): Promise<string[]> {
  // Ignored by git, and inside the package, so that "loophost" is this one.
  const folder = `${ROOT}node_modules/.samples-${process.pid}`;
  const files = new Map(
    pages.flatMap((page) =>
      samplesOf(page).map((code, index) => [`${page.path.replaceAll("/", "-")}-${index}.ts`, { page, code }]),
    ),
  );
  await mkdir(folder);
  try {
    await writeFile(`${folder}/tsconfig.json`, JSON.stringify(configOf([...files.keys()])));
    for (const [name, { code }] of files) await writeFile(`${folder}/${name}`, code);
    return (await runTsc(folder)).map((line) =>
      line.replace(
        /^([^(]+)\((\d+),\d+\)/,
        (_, name: string, at: string) => `${files.get(name)?.page.path ?? name}:${at}`,
      ),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

function configOf(files: readonly string[]): object {
  // A sample shows one thing, and may leave a name unused; the rest is as strict as we are.
  const relaxed = {
    noUnusedLocals: false,
    noUnusedParameters: false,
    declaration: false,
    isolatedDeclarations: false,
  };
  return { extends: `${ROOT}tsconfig.json`, compilerOptions: relaxed, files, include: [] };
}

async function runTsc(folder: string): Promise<string[]> {
  const tsc = `${ROOT}node_modules/typescript/bin/tsc`;
  try {
    await promisify(execFile)(process.execPath, [tsc, "--project", folder, "--pretty", "false"], {
      cwd: folder,
    });
    return [];
  } catch (thrown) {
    // tsc tells its errors on standard output, and ends with a status that is not 0.
    const output = thrown instanceof Error && "stdout" in thrown ? String(thrown.stdout) : "";
    if (output === "") throw thrown;
    return output.trimEnd().split("\n");
  }
}
