/** How the Restate engine is set up. */

import type { Check } from "../../core/check-options.ts";
import {
  checkOptions,
  fields,
  listOf,
  MILLISECONDS,
  must,
  NAME,
  STRINGS_BY_NAME,
} from "../../core/check-options.ts";
import { LoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import { isHttpAddress } from "../../core/wire/address.ts";
import { toHeaders } from "../../core/wire/headers.ts";

/** Where a worker answers to Restate. */
export interface RestateListen {
  /** The port; 0 takes a free one. */
  readonly port: number;
  /** The address to listen on. Default `"127.0.0.1"`, this machine only; with Restate on another, `"0.0.0.0"`. */
  readonly host?: string | undefined;
  /** Where Restate reaches the workers, such as the address of a balancer. Default: `http://host:port` as listened on. */
  readonly url?: string | undefined;
  /**
   * Public keys of the Restate that may call, `publickeyv1_…`, as it prints them when it has a private one; requests of all
   * others are refused. Default: none, everybody who reaches the port may call.
   */
  readonly identityKeys?: readonly string[] | undefined;
}

/** How the engine is set up. */
export interface RestateEngineOptions {
  /** The address of Restate's ingress, such as `http://localhost:8080`. */
  readonly ingress: string;
  /** Where this process answers to Restate. Needed for `work()`; a process that only talks to sessions has none. */
  readonly listen?: RestateListen | undefined;
  /**
   * The address of Restate's admin API, such as `http://localhost:9070`: `work()` registers the workers' address there, and again
   * when it is lost. Default: somebody registers it by `restate deployments register`.
   */
  readonly admin?: string | undefined;
  /** Sent along to ingress and admin API, such as `{ authorization: "Bearer …" }`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What the sessions are called in Restate. Default `"loophost"`; another one for each application that shares a Restate. */
  readonly name?: string | undefined;
  /** How long a request to Restate may take, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number | undefined;
}

/** Options with what they are by default. */
export type RestateSettings = RestateEngineOptions & {
  readonly headers: Readonly<Record<string, string>>;
  readonly name: string;
  readonly timeoutMs: number;
};

const ADDRESS: Check = must(
  "an http or https address without credentials, which go into headers",
  isHttpAddress,
);

/**
 * Checks options and fills in the defaults.
 *
 * @throws LoophostError `invalid_options`
 */
export function checkRestateOptions(options: RestateEngineOptions): RestateSettings {
  checkOptions<RestateEngineOptions>(
    "restateEngine()",
    options,
    {
      ingress: ADDRESS,
      admin: ADDRESS,
      listen: fields<RestateListen>({
        port: must("a port from 0 to 65535", (value) => Number.isInteger(value) && isWithin(value, 65_535)),
        host: NAME,
        url: ADDRESS,
        identityKeys: listOf(
          "keys that begin with publickeyv1_",
          (key) => typeof key === "string" && key.startsWith("publickeyv1_"),
        ),
      }),
      headers: STRINGS_BY_NAME,
      name: must(
        "letters, digits, - and _, beginning with a letter",
        (value) => typeof value === "string" && /^[a-z][\w-]{0,63}$/i.test(value),
      ),
      timeoutMs: MILLISECONDS,
    },
    ["ingress"],
  );
  if (options.listen !== undefined && !isObject(options.listen)) throw noPort();
  if (options.listen !== undefined && typeof options.listen.port !== "number") throw noPort();
  const { headers = {}, name = "loophost", timeoutMs = 5_000 } = options;
  return { ...options, headers: toHeaders(headers), name, timeoutMs };
}

function noPort(): LoophostError {
  return new LoophostError("invalid_options", "restateEngine(): listen needs a port.");
}

function isWithin(value: unknown, most: number): boolean {
  return typeof value === "number" && value >= 0 && value <= most;
}
