/** What checks say of replies and events: each of these throws a Mismatch that shows both sides. */

import { isObject } from "../core/json.ts";
import type { Evidence } from "./check.ts";
import { Inapplicable, Mismatch } from "./check.ts";
import type { Reply } from "./wire.ts";

/** Rejects evidence that does not show what was expected. */
export function must(holds: boolean, evidence: Evidence, expected: string): asserts holds {
  if (!holds) throw new Mismatch(evidence, expected);
}

/** Whether a reply says that it was done: servers answer 200, 201 for what they made, 202 or 204 for what they took. */
export function isOk({ status }: Reply): boolean {
  return status >= 200 && status < 300;
}

/** Takes a reply that succeeded. */
export function ok(reply: Reply): Reply {
  must(isOk(reply), reply, "a status from 200 to 299");
  return reply;
}

/** Takes a reply that succeeded, from a route that not every server has. */
export function okIfThere(reply: Reply): Reply {
  if ([404, 405, 501].includes(reply.status)) {
    const [line = ""] = reply.sent.split(" {", 1);
    throw new Inapplicable(`not there: ${line} is answered with ${reply.status}`);
  }
  return ok(reply);
}

/**
 * Takes a refusal that is final: the request is wrong, and asking again does not help.
 *
 * 409 is not among them, because the official SDKs send such a request again by themselves.
 */
export function refused(reply: Reply, statuses: readonly number[] = [400, 404, 422]): Reply {
  must(statuses.includes(reply.status), reply, `status ${statuses.join(" or ")}`);
  must(at(reply.body, "type") === "error", reply, 'an error body: {"type":"error","error":{…}}');
  return reply;
}

/** The value at a path of keys and positions, or undefined. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value;
  for (const key of path) {
    if (Array.isArray(found) && typeof key === "number") found = found.at(key);
    else if (isObject(found)) found = found[String(key)];
    else return undefined;
  }
  return found;
}

/** The text at a path of a reply, which must be there. */
export function textAt(reply: Reply, ...path: readonly (string | number)[]): string {
  const found = at(reply.body, ...path);
  must(typeof found === "string" && found !== "", reply, `a text at ${path.join(".")}`);
  return found;
}

/** The text at a path of an event, empty where there is none. */
export function textIn(value: unknown, ...path: readonly (string | number)[]): string {
  const found = at(value, ...path);
  return typeof found === "string" ? found : "";
}

/** The objects of the list at `data`. */
export function dataOf(reply: Reply): readonly Record<string, unknown>[] {
  const data = at(reply.body, "data");
  must(Array.isArray(data) && data.every(isObject), reply, "a list of objects at data");
  return data;
}

/** Rejects a body that lacks keys; null counts as there. */
export function hasKeys(reply: Reply, body: unknown, keys: readonly string[]): void {
  const missing = keys.filter((key) => at(body, key) === undefined);
  must(missing.length === 0, reply, `${missing.join(", ")} in the body, null where there is nothing`);
}

/** Whether two values are the same JSON, whatever the order of keys. */
export function isSame(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

/** Whether a value is a time of ISO 8601 with its zone. */
export function isTime(value: unknown): boolean {
  return typeof value === "string" && /T.*(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value));
}

function canonical(value: unknown): string {
  const text: string | undefined = JSON.stringify(value, (_, part: unknown) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
  return text ?? "undefined";
}
