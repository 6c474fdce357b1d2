/** Help on a narrow terminal: wrapped between words, since a terminal breaks lines within them. */

import { columnsOf } from "./columns.ts";

const MAX_INDENT = 6;

/** A text in lines of at most so many columns; lines that fit stay as they are, and a word longer than that is not broken. */
export function wrap(text: string, columns: number): string {
  return text
    .split("\n")
    .flatMap((line) => (columnsOf(line) <= columns ? [line] : wrapLine(line, columns)))
    .join("\n");
}

function wrapLine(line: string, columns: number): readonly string[] {
  const blanks = line.search(/\S/);
  const first = " ".repeat(Math.min(blanks, MAX_INDENT));
  // What belongs to an option or a command stands under it.
  const next = /^ {2}\S/.test(line) ? " ".repeat(MAX_INDENT) : first;
  const lines: string[] = [];
  let current = first;
  for (const word of line.trim().split(/ +/)) {
    const isEmpty = current.trim() === "";
    if (!isEmpty && columnsOf(`${current} ${word}`) > columns) {
      lines.push(current);
      current = next + word;
    } else current += isEmpty ? word : ` ${word}`;
  }
  return [...lines, current];
}
