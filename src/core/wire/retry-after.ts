/** Parses `Retry-After` (seconds or a date) and `retry-after-ms`. */

/** The wait that headers ask for, in milliseconds; undefined when they ask for none. */
export function readRetryAfter(headers: Headers): number | undefined {
  const after = headers.get("retry-after") ?? "";
  // Dates are taken by the service's own clock where it tells the time.
  const now = Date.parse(headers.get("date") ?? "") || Date.now();
  const waits = [
    Number.parseFloat(headers.get("retry-after-ms") ?? ""),
    Number(after) * 1_000,
    Date.parse(after) - now,
  ];
  return waits.find((ms) => ms > 0);
}
