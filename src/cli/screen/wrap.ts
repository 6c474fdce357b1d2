/** Help on a narrow terminal: wrapped between words, since a terminal breaks lines within them. */

import { columnsOf } from "./columns.ts";

const MAX_INDENT = 6;

/** A text in lines of at most so many columns; one that fits stays as it is, and a word longer than that is not broken. */
export function wrap(text: string, columns: number): string {
  const lines = text.split("\n");
  const fits = (line: string) => columnsOf(line) <= columns;
  if (lines.every(fits)) return text;
  return joined(lines)
    .flatMap((line) => (fits(line) ? [line] : wrapLine(line, columns)))
    .join("\n");
}

/** Each paragraph and each option on one line: broken for another width, it would be broken twice. */
function joined(lines: readonly string[]): readonly string[] {
  const whole: string[] = [];
  for (const [index, line] of lines.entries()) {
    const [indent, before] = [indentOf(line), indentOf(lines[index - 1] ?? "")];
    const goesOn = before >= 0 && (indent >= MAX_INDENT || (indent === 0 && before === 0));
    if (goesOn) whole.push(`${whole.pop()} ${line.trim()}`);
    else whole.push(line);
  }
  return whole;
}

/** The blanks a line begins with; -1 for an empty one. */
function indentOf(line: string): number {
  return line.search(/\S/);
}

function wrapLine(line: string, columns: number): readonly string[] {
  const first = " ".repeat(Math.min(indentOf(line), MAX_INDENT));
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
