/** The core as users get it: how large it is, and what importing it costs a process. */

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

import type { OutputOptions } from "rolldown";
import { rolldown } from "rolldown";

const execute = promisify(execFile);

/** Kilobytes of what an import of the front door loads at once, minified and gzipped. What only a store needs comes with the first store. */
export async function coreSizeKb(): Promise<number> {
  const { output } = await withBuild((build) => build.generate({ format: "esm", minify: true }));
  const chunks = output.filter((file) => file.type === "chunk");
  const wanted = new Set(chunks.filter((chunk) => chunk.isEntry).map(({ fileName }) => fileName));
  for (const name of wanted)
    for (const needed of chunks.find(({ fileName }) => fileName === name)?.imports ?? []) wanted.add(needed);
  const code = chunks.filter(({ fileName }) => wanted.has(fileName)).map((chunk) => chunk.code);
  return gzipSync(code.join("")).length / 1024;
}

/** What a process spends, with and without the core, in milliseconds of CPU. */
export interface ImportCost {
  readonly bareMs: number;
  readonly withCoreMs: number;
}

/**
 * Measures processes that import the core, and processes that do not, in turns.
 *
 * The source is compiled first, file by file as in `dist/`, so that no figure depends on what was built when.
 */
export async function importCosts(pairs: number): Promise<ImportCost[]> {
  const folder = await mkdtemp(join(tmpdir(), "loophost-bench-"));
  try {
    const options: OutputOptions = {
      dir: folder,
      format: "esm",
      preserveModules: true,
      entryFileNames: "[name].mjs",
    };
    await withBuild((build) => build.write(options));
    const core = pathToFileURL(join(folder, "index.mjs")).href;
    const costs: ImportCost[] = [];
    for (let pair = 0; pair < pairs; pair += 1)
      costs.push({
        bareMs: await cpuOf(""),
        withCoreMs: await cpuOf(`await import(${JSON.stringify(core)});`),
      });
    return costs;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function withBuild<T>(use: (build: Awaited<ReturnType<typeof rolldown>>) => Promise<T>): Promise<T> {
  const input = fileURLToPath(new URL("../src/index.ts", import.meta.url));
  const build = await rolldown({ input, platform: "neutral" });
  try {
    return await use(build);
  } finally {
    await build.close();
  }
}

async function cpuOf(code: string): Promise<number> {
  const report = "const { user, system } = process.cpuUsage(); process.stdout.write(String(user + system));";
  const { stdout } = await execute(process.execPath, ["--input-type=module", "--eval", code + report]);
  return Number(stdout) / 1000;
}
