// Finds what src/ must not do with what comes from outside: call a callback that only watches without containing it, look a name up
// with `in`, read a body or make a request without a bound. By the syntax tree, so that words in comments and texts do not count.

import { parseSync } from "rolldown/utils";

import type { SourceFile } from "./source.ts";

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/** The optional callbacks of a file that return nothing: nobody waits for them, and nobody else would hear of what they throw. */
export function watchingCallbacksOf({ text }: SourceFile): string[] {
  const declared = text.matchAll(/readonly (on[A-Z]\w*|notify)\?: \(\([^;]*=> void\) \| undefined;/g);
  return [...declared].map(([, name = ""]) => name);
}

/** What is wrong with how a file treats what comes from outside, with its line. */
export function problemsWithOutside({ path, text }: SourceFile, watching: ReadonlySet<string>): string[] {
  const { program } = parseSync(path, text);
  const problems: string[] = [];
  const report = ({ start }: Node, what: string) =>
    problems.push(`${path}:${text.slice(0, start).split("\n").length} ${what}`);
  visit(program as unknown as Node, [], (node, above) => {
    if (node.type === "CallExpression") {
      const name = calledName(node);
      if (node["optional"] === true && watching.has(name) && !isContained(above))
        report(node, `calls ${name} bare: contained(() => …), or return what it gives`);
      if (name === "fetch" && isGlobalCall(node) && !text.slice(node.start, endOf(node)).includes("signal"))
        report(node, "fetches without a signal, so without a deadline");
      if (WHOLE_BODY.has(name) && !isGlobalCall(node) && (node["arguments"] as readonly Node[]).length === 0)
        report(node, `reads a body whole by ${name}(): readText or readBytes, with a bound in bytes`);
    }
    if (node.type === "BinaryExpression" && node["operator"] === "in" && !isKnownKey(node["left"] as Node))
      report(node, 'asks with "in", which every object answers for "constructor": Object.hasOwn');
  });
  return problems;
}

/** Methods of a `Response` and a `Request` that take in a body of any size. */
const WHOLE_BODY: ReadonlySet<string> = new Set(["text", "json", "arrayBuffer", "blob", "bytes", "formData"]);

function visit(node: Node, above: readonly Node[], see: (node: Node, above: readonly Node[]) => void): void {
  see(node, above);
  const here = [...above, node];
  for (const value of Object.values(node))
    for (const child of [value].flat())
      if (typeof child === "object" && child !== null && "type" in child && typeof child.type === "string")
        visit(child as Node, here, see);
}

function calledName(call: Node): string {
  const callee = call["callee"] as Node;
  const named = callee.type === "MemberExpression" ? (callee["property"] as Node) : callee;
  return String(named["name"] ?? "");
}

function isGlobalCall(call: Node): boolean {
  return (call["callee"] as Node).type === "Identifier";
}

function endOf(node: Node): number {
  return Number(node["end"]);
}

/** Inside of `contained(…)`, or handed on to whoever called: as the value of a function, or by `return`. */
function isContained(above: readonly Node[]): boolean {
  const parents = above.toReversed().filter(({ type }) => type !== "ChainExpression");
  const [parent] = parents;
  if (parent?.type === "ReturnStatement") return true;
  return parents.some((node) => node.type === "CallExpression" && calledName(node) === "contained");
}

/** A text or a symbol that stands in the source is nobody's choice but ours. */
function isKnownKey({ type, object }: Node & { object?: Node }): boolean {
  if (type === "Literal" || type === "PrivateIdentifier") return true;
  return type === "MemberExpression" && object?.["name"] === "Symbol";
}
