// Goldens: what goes to a host and what comes from it, as files, written from what its makers document. Those of this folder,
// or of the folder that LOOPHOST_GOLDENS names, such as recordings of your own: one that lacks a surface is refused.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A conversation with a host, in the host's words. */
export interface Golden {
  readonly name: string;
  readonly says: string;
  readonly agent: { readonly name: string; readonly instructions: string; readonly model: string };
  readonly prompt: string;
  /** What has to be sent, in order. */
  readonly bodies: readonly unknown[];
  /** What the host answers to each post, where that is not its reply. */
  readonly taken?: readonly unknown[];
  /** Its events after each of them. */
  readonly replies: readonly (readonly { readonly type?: string }[])[];
  /** The types of the events that are told. */
  readonly told: readonly string[];
  /** Some of the result. */
  readonly result: object;
}

/** Where goldens are looked for. */
export function goldenFolder(variable: string | undefined = process.env["LOOPHOST_GOLDENS"]): string {
  return variable === undefined || variable.trim() === ""
    ? fileURLToPath(new URL(".", import.meta.url))
    : variable;
}

/** The goldens of a surface. Throws when there is none: a loop over nothing would pass. */
export function goldensOf(surface: string, folder: string = goldenFolder()): readonly Golden[] {
  const of = join(folder, surface);
  if (!existsSync(of)) throw new Error(`${folder} has no goldens of ${surface}`);
  const names = readdirSync(of).filter((name) => name.endsWith(".json"));
  if (names.length === 0) throw new Error(`${of} is empty`);
  return names.map((name) => ({
    name,
    ...(JSON.parse(readFileSync(join(of, name), "utf8")) as Omit<Golden, "name">),
  }));
}

const TYPES = ["string", "number", "boolean", "object", "any"];

/** What of a value is not as its shape says: missing, of another type, or not in the shape at all. */
export function shapeProblems(value: unknown, shape: unknown, at = "body"): string[] {
  if (typeof shape === "string") {
    if (!TYPES.includes(shape)) return [`${at}: the shape has a type nobody knows, ${shape}`];
    return shape === "any" || typeof value === shape ? [] : [`${at}: expected ${shape}, got ${typeof value}`];
  }
  if (Array.isArray(shape)) {
    if (shape.length !== 1) return [`${at}: the shape of a list has one member`];
    if (!Array.isArray(value)) return [`${at}: expected a list`];
    return value.flatMap((item, index) => shapeProblems(item, shape[0], `${at}[${index}]`));
  }
  if (typeof shape !== "object" || shape === null)
    return [`${at}: the shape has a type nobody knows, ${String(shape)}`];
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return [`${at}: expected an object`];
  const known = new Map(
    Object.entries(shape).map(([key, inner]) => [key.replace(/\?$/, ""), { key, inner: inner as unknown }]),
  );
  const unknown = Object.keys(value)
    .filter((key) => !known.has(key))
    .map((key) => `${at}.${key}: unknown`);
  const inner = [...known].flatMap(([name, { key, inner: of }]) => {
    if (Object.hasOwn(value, name))
      return shapeProblems((value as Record<string, unknown>)[name], of, `${at}.${name}`);
    return key.endsWith("?") ? [] : [`${at}.${name}: missing`];
  });
  return [...unknown, ...inner];
}
