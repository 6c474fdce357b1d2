// Which branches of some files a program reached, by V8's own count. It reads the source as Node runs it, so it works in a plain
// process only, where types are erased in place and every offset is that of the file.

import { readFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { fileURLToPath } from "node:url";

/** Runs work, and gives for each file how many branches were reached, and the first line of those that were not. */
export async function branchesOf(
  paths: RegExp,
  work: () => Promise<void>,
): Promise<
  readonly { readonly file: string; readonly reached: number; readonly missed: readonly string[] }[]
> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  await work();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  session.disconnect();
  return result
    .filter(({ url }) => url.startsWith("file:") && paths.test(url))
    .map(({ url, functions }) => {
      const file = fileURLToPath(url);
      const source = readFileSync(file, "utf8");
      const ranges = functions.flatMap((one) => one.ranges);
      const missed = ranges
        .filter(({ count }) => count === 0)
        .map(({ startOffset, endOffset }) => {
          const line = source.slice(0, startOffset).split("\n").length;
          return `${line}: ${source.slice(startOffset, endOffset).trim().split("\n")[0]?.slice(0, 80)}`;
        });
      return { file: file.replace(/^.*\/src\//, "src/"), reached: ranges.length - missed.length, missed };
    })
    .toSorted((a, b) => (a.file < b.file ? -1 : 1));
}
