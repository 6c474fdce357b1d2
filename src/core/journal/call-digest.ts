/**
 * The digest of a call's name and input, so that a decision or a result is bound to what it was about, and not to an id
 * a host may tell again with other input. Synchronous, since the loop asks for it between two events; a digest with
 * collisions would let a model find other input for an approval it has.
 */

import { isObject } from "../json.ts";

/** The runtime's own SHA-256, looked up and not imported: not every runtime has one that is synchronous. */
const hash = globalThis.process?.getBuiltinModule?.("node:crypto")?.hash;
let sha256: ((text: string) => string) | undefined = hash && ((text) => hash("sha256", text));

/** Loads SHA-256 in JavaScript where the runtime has none; undefined where there is nothing to wait for. */
export function loadDigest(): Promise<void> | undefined {
  if (sha256 !== undefined) return undefined;
  return import("./sha256.ts").then((ours) => void (sha256 = ours.sha256));
}

/** A call's name and input. */
interface NamedInput {
  readonly name: string;
  readonly input: unknown;
}

/** The SHA-256 of a call's name and input, whatever the order of the input's keys. */
export function callDigest({ name, input }: NamedInput): string {
  if (sha256 === undefined) throw new TypeError("loadDigest() was not awaited");
  return sha256(JSON.stringify([name, input], sortKeys));
}

function sortKeys(_: string, value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
