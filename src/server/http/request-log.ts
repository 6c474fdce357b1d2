/** A line for each request that was answered, for the operator's log: no ids, queries, bodies or keys. */

import type { Handler } from "hono";
import { matchedRoutes } from "hono/route";

import { contained } from "../../core/async/contained.ts";
import type { Clock } from "../../core/clock.ts";
import type { RequestLine } from "../options.ts";
import type { HostEnv } from "../routes/request.ts";

/** Tells of each request once its reply, or the beginning of its stream, is there. What the callback does is contained. */
export function requestLog(onRequest: (line: RequestLine) => unknown, clock: Clock): Handler<HostEnv> {
  return async (c, next) => {
    const start = clock.now();
    await next();
    const { method } = c.req;
    const line: RequestLine = {
      method,
      path: matchedRoutes(c).findLast((route) => route.method === method)?.path ?? "*",
      status: c.res.status,
      ms: clock.now() - start,
      requestId: c.env.requestId,
    };
    contained(() => onRequest(line));
  };
}
