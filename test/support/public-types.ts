// What a user of the package can name, and what they can reach without being able to name it: a type in the signature
// of something exported that no entry exports. Reads the source; every export states its type (isolatedDeclarations).

import { readFileSync } from "node:fs";
import { posix } from "node:path";

import { parseSync } from "rolldown/utils";

import { ROOT } from "./source.ts";

/** An exported thing, by the file that declares it. */
interface Declared {
  readonly file: string;
  readonly name: string;
}

type Node = Readonly<Record<string, unknown>> & { readonly type: string };

interface Module {
  /** Local name -> where it is declared, for imports. */
  readonly imports: ReadonlyMap<string, Declared>;
  /** Exported name -> where it is declared. */
  readonly exports: ReadonlyMap<string, Declared & { readonly isType: boolean }>;
  readonly declarations: ReadonlyMap<string, Node>;
}

/** The names an entry exports, types apart from values. */
export function exportedNames(entry: string): { readonly values: string[]; readonly types: string[] } {
  const all = [...moduleOf(entry).exports];
  const named = (isType: boolean) =>
    all
      .filter(([, to]) => isTypeOnly(to) === isType)
      .map(([name]) => name)
      .toSorted();
  return { values: named(false), types: named(true) };
}

/**
 * Types that a signature of an entry reaches and no entry exports, each with who reaches it.
 *
 * @param opaque types users hand on without looking inside, as "file#name"
 */
export function unnamedTypes(entries: readonly string[], opaque: readonly string[] = []): string[] {
  const declared = entries.flatMap((entry) => [...moduleOf(entry).exports.values()].map(origin));
  const named = new Set([...declared.map(keyOf), ...opaque]);
  const problems = new Map<string, string>();
  for (const from of declared)
    for (const reached of reachedBy(from)) {
      if (named.has(keyOf(reached)) || problems.has(keyOf(reached))) continue;
      problems.set(keyOf(reached), `${reached.name} (${reached.file}) is reached by ${from.name}`);
    }
  return [...problems.values()].toSorted();
}

function keyOf({ file, name }: Declared): string {
  return `${file}#${name}`;
}

/** Follows re-exports to the file that declares a thing. */
function origin(to: Declared): Declared {
  const further = moduleOf(to.file).exports.get(to.name);
  return further === undefined || keyOf(further) === keyOf(to) ? to : origin(further);
}

function isTypeOnly(to: Declared & { readonly isType: boolean }): boolean {
  const { file, name } = origin(to);
  const type = moduleOf(file).declarations.get(name)?.type ?? "";
  return to.isType || type === "TSInterfaceDeclaration" || type === "TSTypeAliasDeclaration";
}

/** The types of this package that the public part of a declaration names. */
function reachedBy({ file, name }: Declared): Declared[] {
  const { declarations, imports, exports } = moduleOf(file);
  const declaration = declarations.get(name);
  if (declaration === undefined) return [];
  const names = new Set<string>();
  collect(declaration, names, new Set());
  return [...names].flatMap((reached) => {
    const imported = imports.get(reached);
    if (imported !== undefined) return imported.file.startsWith("src/") ? [origin(imported)] : [];
    return reached !== name && declarations.has(reached) && exports.has(reached)
      ? [{ file, name: reached }]
      : [];
  });
}

/** Names of types in what a user sees of a declaration: no bodies, no initial values, nothing private. */
function collect(value: unknown, names: Set<string>, own: ReadonlySet<string>): void {
  if (Array.isArray(value)) return value.forEach((item) => collect(item, names, own));
  if (!isNode(value)) return;
  const isPrivate = isNode(value["key"]) && value["key"].type === "PrivateIdentifier";
  if (isPrivate || value["accessibility"] === "private") return;
  const target =
    value.type === "TSTypeReference"
      ? value["typeName"]
      : value.type === "TSInterfaceHeritage" || value.type === "TSClassImplements"
        ? value["expression"]
        : undefined;
  if (isNode(target) && target.type === "Identifier" && !own.has(String(target["name"])))
    names.add(String(target["name"]));
  const inner = new Set([...own, ...parametersOf(value)]);
  for (const [key, child] of Object.entries(value)) if (!HIDDEN.has(key)) collect(child, names, inner);
}

/** What a reader of the declaration file does not see. */
const HIDDEN: ReadonlySet<string> = new Set(["init", "decorators", "superClass"]);

function parametersOf(node: Node): string[] {
  const { typeParameters } = node;
  const params =
    isNode(typeParameters) && Array.isArray(typeParameters["params"]) ? typeParameters["params"] : [];
  return params.map((param: { name: { name: string } }) => param.name.name);
}

const modules = new Map<string, Module>();

function moduleOf(file: string): Module {
  const known = modules.get(file);
  if (known !== undefined) return known;
  const imports = new Map<string, Declared>();
  const exports = new Map<string, Declared & { isType: boolean }>();
  const declarations = new Map<string, Node>();
  const { program } = parseSync(file, readFileSync(ROOT + file, "utf8"));
  const from = (source: { value: string }) =>
    source.value.startsWith(".") ? posix.join(posix.dirname(file), source.value) : source.value;
  for (const node of program.body as unknown as readonly Node[]) {
    const declaration = node.type === "ExportNamedDeclaration" ? node["declaration"] : node;
    if (node.type === "ImportDeclaration")
      for (const { local, imported } of node["specifiers"] as readonly {
        local: { name: string };
        imported?: { name: string };
      }[])
        imports.set(local.name, {
          file: from(node["source"] as { value: string }),
          name: imported?.name ?? "default",
        });
    if (node.type === "ExportNamedDeclaration")
      for (const { local, exported, exportKind } of node["specifiers"] as readonly {
        local: { name: string };
        exported: { name: string };
        exportKind: string;
      }[])
        exports.set(exported.name, {
          ...(node["source"]
            ? { file: from(node["source"] as { value: string }), name: local.name }
            : (imports.get(local.name) ?? { file, name: local.name })),
          isType: node["exportKind"] === "type" || exportKind === "type",
        });
    if (!isNode(declaration)) continue;
    for (const [name, what] of namesIn(declaration)) {
      declarations.set(name, what);
      if (node.type === "ExportNamedDeclaration")
        exports.set(name, { file, name, isType: node["exportKind"] === "type" });
    }
  }
  const module = { imports, exports, declarations };
  modules.set(file, module);
  return module;
}

function namesIn(declaration: Node): readonly (readonly [string, Node])[] {
  if (declaration.type === "VariableDeclaration")
    return (declaration["declarations"] as readonly Node[]).map(
      (one) => [(one["id"] as { name: string }).name, one["id"] as Node] as const,
    );
  const { id } = declaration;
  return isNode(id) && typeof id["name"] === "string" ? [[id["name"], withoutBodies(declaration)]] : [];
}

/** A function's and a method's body is not seen by its caller; a class keeps the list of its members. */
function withoutBodies(node: Node): Node {
  if (node.type === "FunctionDeclaration") return { ...node, body: null };
  if (node.type !== "ClassDeclaration") return node;
  const members = ((node["body"] as Node)["body"] as readonly Node[]).map((member) => ({
    ...member,
    value: member.type === "MethodDefinition" ? { ...(member["value"] as Node), body: null } : null,
  }));
  return { ...node, body: members };
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
