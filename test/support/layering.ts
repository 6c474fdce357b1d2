// The import direction of src/ as a function: core <- leaves <- shells, and inside core the rooms in their order. It
// resolves every path, dynamic imports and type imports included, which the lint rule does not.

import { posix } from "node:path";

import { importsOf, type SourceFile, starExportsOf } from "./source.ts";

/** Leaves of one folder each; every folder in src/providers/ and src/engines/ is a leaf of its own. */
const LEAVES = [
  "budget",
  "provider-kit",
  "messages",
  "provisioning",
  "artifacts",
  "stores",
  "observe",
  "tools",
  "testing",
];

/** The rooms of core/, each with those it may import; all of them may import the contract at the root of core/. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  async: [],
  wire: ["async"],
  loop: [],
  journal: ["async", "loop"],
  execution: ["async", "loop", "journal"],
  session: ["async", "wire", "loop", "journal", "execution"],
};

/** What leaves and shells may import of the other rooms. Everything else in them is how it is done, and may change. */
const ENTRIES = [
  "src/core/session/open-session.ts",
  "src/core/session/fold-result.ts",
  "src/core/session/prompt.ts",
  "src/core/session/run-once.ts",
  "src/core/session/live-run.ts",
  "src/core/session/steps.ts",
  "src/core/session/output.ts",
  "src/core/loop/machine.ts",
  "src/core/loop/state.ts",
  "src/core/execution/run-tool.ts",
  "src/core/journal/entry.ts",
  "src/core/journal/ownership.ts",
  "src/core/journal/read-log.ts",
  "src/core/journal/recorded.ts",
  "src/core/journal/session-index.ts",
];

/** The contract and the two rooms that everybody may import. */
const OPEN_CORE = ["core", "core/async", "core/wire"];

/** A part of src/ and the other parts it may import; a name that ends in a slash stands for all that begin with it. */
interface Part {
  readonly name: string;
  readonly imports: readonly string[];
  /** Whether it may import packages and node: modules. */
  readonly isOpen: boolean;
}

// testing/ is a leaf that no shell may import: it is for tests and examples, and must not reach a release build.
const LEAVES_FOR_SHELLS = [...LEAVES.filter((leaf) => leaf !== "testing"), "providers/", "engines/"];

/** Returns one sentence per import that goes against the direction or is spelled against the house style. */
export function layeringProblems(sources: readonly SourceFile[]): string[] {
  return sources.flatMap((source) => {
    const part = partOf(source.path);
    if (!part)
      return [
        `${source.path} belongs to no part of src/: give its folder a line in test/support/layering.ts and .oxlintrc.json`,
      ];
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

/** Who imports whom, part by part, with the number of imports. */
export function arrowsOf(sources: readonly SourceFile[]): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const arrows = new Map<string, Map<string, number>>();
  for (const source of sources) {
    const from = partOf(source.path)?.name ?? source.path;
    const row = arrows.get(from) ?? new Map<string, number>();
    arrows.set(from, row);
    for (const specifier of importsOf(source).filter((name) => name.startsWith("."))) {
      const to = partOf(resolve(source.path, specifier))?.name ?? specifier;
      if (to !== from) row.set(to, (row.get(to) ?? 0) + 1);
    }
  }
  return arrows;
}

/** The parts that reach themselves, each with its way round. */
export function circlesOf(arrows: ReadonlyMap<string, ReadonlyMap<string, number>>): string[] {
  const isDone = new Set<string>();
  const circles: string[] = [];
  const visit = (name: string, way: readonly string[]): void => {
    if (way.includes(name)) circles.push([...way.slice(way.indexOf(name)), name].join(" -> "));
    if (way.includes(name) || isDone.has(name)) return;
    for (const next of arrows.get(name)?.keys() ?? []) visit(next, [...way, name]);
    isDone.add(name);
  };
  for (const name of arrows.keys()) visit(name, []);
  return circles;
}

function problemWith(part: Part, path: string, specifier: string): string | undefined {
  // The one import whose target is the user's to name: their agent file.
  if (specifier === "(computed)")
    return path === "src/cli/agent/load-agent.ts" ? undefined : "its target cannot be checked";
  if (/^loophost(\/|$)/.test(specifier)) return "inside src/, import the file that defines the thing";
  if (!specifier.startsWith("."))
    return part.isOpen ? undefined : `${part.name} has no dependency and no node: import`;
  if (!specifier.endsWith(".ts")) return "a relative import ends in .ts";
  const file = resolve(path, specifier);
  const target = partOf(file);
  if (!target) return "it leaves src/";
  if (target.name === part.name) return undefined;
  const isAllowed = part.imports.some((name) =>
    name.endsWith("/") ? target.name.startsWith(name) : target.name === name,
  );
  if (isAllowed || (!isOfCore(part) && ENTRIES.includes(file))) return undefined;
  return `${part.name} must not know ${target.name}`;
}

function isOfCore({ name }: Part): boolean {
  return name === "core" || name.startsWith("core/");
}

function resolve(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier);
}

function partOf(path: string): Part | undefined {
  const [root, folder = "", child = "", ...rest] = path.split("/");
  if (root !== "src") return undefined;
  if (path === "src/index.ts") return { name: "the front door", imports: OPEN_CORE, isOpen: false };
  if (child === "") return undefined;
  if (folder === "core") return roomOf(rest.length === 0 ? undefined : child);
  if (folder === "conformance") return { name: folder, imports: OPEN_CORE, isOpen: false };
  const shell = { imports: [...OPEN_CORE, ...LEAVES_FOR_SHELLS], isOpen: true };
  if (folder === "server" || folder === "sessions") return { name: folder, ...shell };
  if (folder === "cli")
    return {
      name: folder,
      ...shell,
      imports: [...shell.imports, "server", "sessions", "conformance", "stand-ins/"],
    };
  if (folder === "stand-ins" && rest.length > 0) return { name: `stand-ins/${child}`, ...shell };
  if ((folder === "providers" || folder === "engines") && rest.length > 0)
    return { name: `${folder}/${child}`, imports: OPEN_CORE, isOpen: true };
  return LEAVES.includes(folder) ? { name: folder, imports: OPEN_CORE, isOpen: true } : undefined;
}

function roomOf(room: string | undefined): Part | undefined {
  // What checks plain JSON Schema is part of the contract; only its size makes it a folder.
  if (room === undefined || room === "json-schema") return { name: "core", imports: [], isOpen: false };
  const below = ROOMS[room];
  if (below === undefined) return undefined;
  return {
    name: `core/${room}`,
    imports: ["core", ...below.map((name) => `core/${name}`)],
    isOpen: false,
  };
}
