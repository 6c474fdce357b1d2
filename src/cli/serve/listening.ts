/** What keeps a port from being had, with the way out. */

import { LoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";

/** The error of an address that cannot be listened on; undefined when something else went wrong. */
export function portProblem(cause: unknown, address: string): LoophostError | undefined {
  const code = isObject(cause) ? cause["code"] : undefined;
  if (code !== "EADDRINUSE" && code !== "EACCES") return undefined;
  const why = code === "EADDRINUSE" ? "the port is taken" : "this user may not";
  return new LoophostError(
    "host_failed",
    `Cannot listen on ${address}: ${why}. Choose another with --port.`,
    { cause },
  );
}
