/** Loads the embedded server, whose packages not every installation has. */

import { LoophostError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import type { embeddedHost } from "../server/index.ts";

/**
 * Loads the embedded server.
 *
 * @throws LoophostError `missing_dependency` when a package it needs is not installed
 */
export async function loadServer(): Promise<{ readonly embeddedHost: typeof embeddedHost }> {
  try {
    return await import("../server/index.ts");
  } catch (thrown) {
    if (!isObject(thrown) || thrown["code"] !== "ERR_MODULE_NOT_FOUND") throw thrown;
    throw new LoophostError(
      "missing_dependency",
      "The embedded loop host needs packages that are not installed. Run: npm install hono @hono/node-server",
      { cause: thrown },
    );
  }
}
