// Finds the programs in README.md and docs/, has tsc read them as files of a user's, and runs them.
//
// A sample is whole: what it imports of "./" is what `loophost init` writes, or another sample of its page that begins with
// its name, as in "// support.mjs". One that cannot run here says why in a comment above it:
//
//   <!-- not run: it asks AWS -->
//   ```ts
//
// Everything else of the page is blanked out, so a line of a sample has the number it has in the page.

import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";

import { TEMPLATES } from "../../src/cli/init/templates.ts";
import type { Page } from "./pages.ts";
import { ROOT } from "./source.ts";

const RUN = promisify(execFile);
const PRELOAD = `${ROOT}test/support/played-services.ts`;

/** A fenced block of a page: its language, and the number of the line that opens it. */
export interface Fence {
  readonly language: string;
  readonly line: number;
}

/** A program in a page. */
export interface Sample {
  readonly page: string;
  readonly line: number;
  /** The name of its file: the one it begins with, or one made up. */
  readonly name: string;
  readonly code: string;
  /** Why it is not run. */
  readonly notRun: string | undefined;
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
export function samplesOf({ path, text }: Page): Sample[] {
  const found = text.matchAll(/(?:<!-- not run: (?<why>.*?) -->\n+)?^```ts\n(?<code>[^]*?)^```$/gm);
  return [...found].map(({ index, 0: whole, groups = {} }, nth) => {
    const { why, code = "" } = groups;
    const line = breaksIn(text.slice(0, index)) + breaksIn(whole) - breaksIn(code);
    const name = /^\/\/ ([\w.-]+\.m?[jt]s)\n/.exec(code)?.[1] ?? `sample-${nth}.ts`;
    return { page: path, line, name, code: `${"\n".repeat(line)}${code}export {};\n`, notRun: why };
  });
}

function breaksIn(text: string): number {
  return text.split("\n").length - 1;
}

/** What tsc has to say about the samples of some pages, as "docs/tools.md:12: …"; nothing when all is well. */
export async function problemsOf(pages: readonly Page[]): Promise<string[]> {
  return inFolder(pages, async (folder) => {
    await writeFile(`${folder}/tsconfig.json`, JSON.stringify(CONFIG));
    const lines = await runTsc(folder);
    return lines.map((line) =>
      line.replace(
        /^([^(]+)\/[^(]+\((\d+),\d+\)/,
        (_, page: string, at: string) => `${pages.find(({ path }) => folderOf(path) === page)?.path}:${at}`,
      ),
    );
  });
}

/** Runs those samples of a page that can be, each in a process, one after the other; gives what failed, with its output. */
export async function failuresOf(page: Page, env: Record<string, string>): Promise<string[]> {
  return inFolder([page], async (folder) => {
    const failures: string[] = [];
    for (const { name, line, notRun } of samplesOf(page)) {
      if (notRun !== undefined) continue;
      const args = ["--conditions=loophost:source", "--import", PRELOAD, name];
      const options = {
        cwd: `${folder}/${folderOf(page.path)}`,
        timeout: 60_000,
        env: { PATH: process.env["PATH"], NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"], ...env },
      };
      await RUN(process.execPath, args, options).catch((thrown: Error) =>
        failures.push(`${page.path}:${line}: ${thrown.message}`),
      );
    }
    return failures;
  });
}

/** Writes the samples of each page into a folder of its own, beside what `loophost init` writes. */
async function inFolder<T>(pages: readonly Page[], use: (folder: string) => Promise<T>): Promise<T> {
  // Ignored by git, and inside the package, so that "loophost" is this one; not in node_modules, where Node runs no types.
  const folder = `${ROOT}.vitest/samples-${process.pid}-${(count += 1)}`;
  try {
    for (const page of pages) {
      const at = `${folder}/${folderOf(page.path)}`;
      await mkdir(at, { recursive: true });
      await writeFile(`${at}/agent.ts`, TEMPLATES.tools["agent.ts"] ?? "");
      for (const { name, code } of samplesOf(page)) await writeFile(`${at}/${name}`, code);
    }
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

let count = 0;

function folderOf(path: string): string {
  return path.replaceAll(/[/.]/g, "-");
}

const CONFIG = {
  extends: `${ROOT}tsconfig.json`,
  // A sample shows one thing, and may leave a name unused; the rest is as strict as we are.
  compilerOptions: {
    noUnusedLocals: false,
    noUnusedParameters: false,
    declaration: false,
    isolatedDeclarations: false,
    allowJs: true,
    checkJs: true,
  },
  include: ["**/*"],
};

async function runTsc(folder: string): Promise<string[]> {
  const tsc = `${ROOT}node_modules/typescript/bin/tsc`;
  try {
    await RUN(process.execPath, [tsc, "--project", folder, "--pretty", "false"], { cwd: folder });
    return [];
  } catch (thrown) {
    // tsc tells its errors on standard output, and ends with a status that is not 0.
    const output = thrown instanceof Error && "stdout" in thrown ? String(thrown.stdout) : "";
    if (output === "") throw thrown;
    return output.trimEnd().split("\n");
  }
}
