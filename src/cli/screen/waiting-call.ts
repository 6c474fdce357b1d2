/** A call that waits for somebody, as whoever decides has to see it: its name, its id, and all it was called with. */

import { formatBytes } from "./format.ts";
import { inputLines, reveal } from "./reveal.ts";

/** What there is to see of such a call. */
export interface ShownCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/** Its lines: name and id, with the size where that is more than a screen takes in, and under them the whole input. */
export function callLines({ id, name, input }: ShownCall): readonly string[] {
  const lines = inputLines(input);
  const bytes = Buffer.byteLength(JSON.stringify(input) ?? "");
  const size = lines.length > 1 ? `  ${formatBytes(bytes)}` : "";
  return [`${reveal(name)}  ${reveal(id)}${size}`, ...lines.map((line) => `    ${line}`)];
}
