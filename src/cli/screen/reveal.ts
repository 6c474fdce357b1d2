/**
 * What somebody decides about, shown whole: an escape sequence, a bidirectional override or a zero-width mark can make
 * `rm -rf /` look like something else, and an input cut short hides its end.
 */

/** What a terminal does not show as it is: controls, invisible and unassigned characters, blanks that are no space. */
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;

/** A text in one line, each character that cannot be seen as its code: `\u202e`. */
export function reveal(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/**
 * The whole input of a call as JSON, in lines: one where it is short, else a line for each field, and within a text one for
 * each of its lines.
 */
export function inputLines(input: unknown): readonly string[] {
  const short = JSON.stringify(input) ?? "undefined";
  if (short.length <= MAX_LINE && !BREAK.test(short)) return [reveal(short)];
  const long = JSON.stringify(input, null, 2) ?? "";
  // Deep inputs would be mostly indent.
  const lines = long.length > 4 * short.length + 1_000 ? [short] : long.split("\n");
  return lines.flatMap(breakTexts).map(reveal);
}

const MAX_LINE = 70;
/** A line's end within a JSON text, and not the backslash before an `n`. */
const BREAK = /(?<=(?<!\\)(?:\\\\)*\\n)(?!")/;

function breakTexts(line: string): readonly string[] {
  const indent = " ".repeat(line.search(/\S/) + 4);
  return line.split(BREAK).map((part, index) => (index === 0 ? part : indent + part));
}
