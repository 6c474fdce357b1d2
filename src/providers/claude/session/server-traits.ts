/** How servers that speak this wire differ, as data. What a reply shows by itself, such as how pages are named, is not asked here. */

import type { Check } from "../../../core/check-options.ts";
import { atLeast, BOOLEAN, fields } from "../../../core/check-options.ts";

/**
 * What is particular about a server.
 *
 * @experimental It may change in any minor release before 1.0.
 */
export interface ServerTraits {
  /** How many events it lists at once, at most. Default 1000. */
  readonly pageSize: number;
  /**
   * Whether it lists the newest events first when it is asked to. One that does not is read from its beginning each time.
   * Default true.
   */
  readonly listsNewestFirst: boolean;
  /**
   * Whether a post does nothing when it comes again under the same Idempotency-Key: then one that was lost is sent again.
   * Default false.
   */
  readonly takesIdempotencyKeys: boolean;
}

/** What some traits have to be; a trait that is unknown is a mistake. */
export const TRAITS: Check = fields<ServerTraits>({
  pageSize: atLeast(1),
  listsNewestFirst: BOOLEAN,
  takesIdempotencyKeys: BOOLEAN,
});

/** Anthropic's own service. */
export const ANTHROPIC: ServerTraits = {
  pageSize: 1_000,
  listsNewestFirst: true,
  takesIdempotencyKeys: false,
};
