/** `loophost compare`: what two recorded sessions did, side by side, for people and for CI. */

import { parseArgs } from "node:util";

import type { Deed } from "../../observe/compare.ts";
import { compareRecordings } from "../../observe/compare.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT } from "../exit.ts";
import { printable, shorten } from "../screen/format.ts";
import { inShort, openRecording } from "./replay.ts";

const HELP = `loophost compare says where two recorded sessions part: the first call of a tool, its input
or the ending that is not the same in both. Words, ids and times may differ.

Usage
  loophost compare <file> <file> [options]

Example
  loophost compare before.jsonl after.jsonl

Options
  --json      the comparison as JSON
  --help, -h  this text

Exit codes
    0  they did the same
    1  they part
    2  misuse: an unknown flag, a file that is no recording
    8  a file cannot be read
`;

const THEY_PART = 1;

/** The command. */
export const compareCommand: Command = {
  help: HELP,
  async run(argv) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { json: { type: "boolean", default: false } },
    });
    const [first, second, ...more] = positionals;
    if (first === undefined || second === undefined || more.length > 0)
      throw misuse("loophost compare", "compare takes two arguments, the files of two recordings");
    const [one, other] = [await openRecording(first), await openRecording(second)];
    const comparison = compareRecordings(one, other);
    const { a, b, partAt } = comparison;
    if (values.json) process.stdout.write(`${JSON.stringify(comparison, null, 2)}\n`);
    else {
      const lines = Array.from({ length: Math.max(a.deeds.length, b.deeds.length) }, (_, index) => {
        const [left, right] = [inWords(a.deeds[index]), inWords(b.deeds[index])];
        if (index < (partAt ?? Infinity)) return `  ${left}`;
        return left === right ? `  ${left}` : `- ${left}\n+ ${right}`;
      });
      const how = partAt === undefined ? "They did the same." : `They part at ${partAt + 1}.`;
      const text = [...lines, "", `a  ${inShort(one)}`, `b  ${inShort(other)}`, how].join("\n");
      process.stdout.write(`${printable(text)}\n`);
    }
    return partAt === undefined ? EXIT.ok : THEY_PART;
  },
};

function inWords(deed: Deed | undefined): string {
  if (deed === undefined) return "nothing";
  return `${deed.what} ${deed.name}${deed.input === "" ? "" : ` ${shorten(deed.input, 120)}`}`;
}
