/** What a status of a harness or of an endpoint means. Every one is given a meaning: one that is not known is final. */

/** What to do about something in this status. */
export type StatusKind = "ready" | "in progress" | "going" | "failed" | "unknown";

const KINDS: ReadonlyMap<string, StatusKind> = new Map([
  ["READY", "ready"],
  ["CREATING", "in progress"],
  ["UPDATING", "in progress"],
  ["DELETING", "going"],
  ["CREATE_FAILED", "failed"],
  ["UPDATE_FAILED", "failed"],
  ["DELETE_FAILED", "failed"],
]);

/** The meaning of a status; waiting on one nobody knows would only burn the budget. */
export function kindOf(status: string): StatusKind {
  return KINDS.get(status) ?? "unknown";
}
