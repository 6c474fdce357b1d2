// The import direction of src/ as a function: core <- leaves <- shells. It resolves every path, dynamic imports and
// type imports included, which the lint rule does not.

import { posix } from "node:path";

import { importsOf, type SourceFile, starExportsOf } from "./source.ts";

/** Leaves of one folder each; every folder in src/providers/ is a leaf of its own. */
const LEAVES = ["budget", "messages", "provisioning", "artifacts", "stores", "observe", "tools", "testing"];

/** A part of src/ and the other parts it may import, by a prefix of their names. */
interface Part {
  readonly name: string;
  readonly imports: readonly string[];
  /** Whether it may import packages and node: modules. */
  readonly isOpen: boolean;
}

// testing/ is a leaf that no shell may import: it is for tests and examples, and must not reach a release build. The
// checks of a server in it are a leaf of their own, which the command line runs.
const CONFORMANCE = "testing/conformance";
const LEAVES_FOR_SHELLS = [...LEAVES.filter((leaf) => leaf !== "testing"), "providers/"];

/** Returns one sentence per import that goes against the direction or is spelled against the house style. */
export function layeringProblems(sources: readonly SourceFile[]): string[] {
  return sources.flatMap((source) => {
    const part = partOf(source.path);
    if (!part) return [`${source.path} belongs to no part of src/ that layering.ts knows`];
    const stars = starExportsOf(source).map(
      (line) => `${source.path}:${line} re-exports everything: name the exports`,
    );
    const imports = importsOf(source).flatMap((specifier) => {
      const problem = problemWith(part, source.path, specifier);
      return problem ? [`${source.path} imports "${specifier}": ${problem}`] : [];
    });
    return [...stars, ...imports];
  });
}

function problemWith(part: Part, path: string, specifier: string): string | undefined {
  // The one import whose target is the user's to name: their agent file.
  if (specifier === "(computed)")
    return path === "src/cli/load-agent.ts" ? undefined : "its target cannot be checked";
  if (/^loophost(\/|$)/.test(specifier)) return "inside src/, import the file that defines the thing";
  if (!specifier.startsWith("."))
    return part.isOpen ? undefined : `${part.name} has no dependency and no node: import`;
  if (!specifier.endsWith(".ts")) return "a relative import ends in .ts";
  const target = partOf(posix.join(posix.dirname(path), specifier));
  if (!target) return "it leaves src/";
  const isAllowed =
    target.name === part.name || part.imports.some((prefix) => target.name.startsWith(prefix));
  return isAllowed ? undefined : `${part.name} must not know ${target.name}`;
}

function partOf(path: string): Part | undefined {
  const [root, folder = "", child = "", ...rest] = path.split("/");
  if (root !== "src") return undefined;
  if (path === "src/index.ts") return { name: "the front door", imports: ["core"], isOpen: false };
  if (child === "") return undefined;
  if (folder === "core") return { name: "core", imports: [], isOpen: false };
  if (folder === "server") return { name: "server", imports: ["core", ...LEAVES_FOR_SHELLS], isOpen: true };
  if (folder === "cli")
    return { name: "cli", imports: ["core", ...LEAVES_FOR_SHELLS, "server", CONFORMANCE], isOpen: true };
  if (path.startsWith(`src/${CONFORMANCE}/`)) return { name: CONFORMANCE, imports: ["core"], isOpen: false };
  if (folder === "providers" && rest.length > 0)
    return { name: `providers/${child}`, imports: ["core"], isOpen: true };
  if (LEAVES.includes(folder)) return { name: folder, imports: ["core"], isOpen: true };
  return undefined;
}
