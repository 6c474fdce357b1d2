/** How much room a text takes on a terminal, in columns: not its length, since 你 takes two and a combining accent none. */

/** Takes two columns: CJK, full-width forms, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
/** Takes none: marks on the character before, and what is not shown. */
const NONE = /[\p{Mn}\p{Me}\p{Cf}\p{Cc}]/u;

/** The columns a text takes; rather too many than too few where terminals differ. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += WIDE.test(character) ? 2 : NONE.test(character) ? 0 : 1;
  return columns;
}

/** A text in one line of at most so many columns. */
export function fit(text: string, columns: number): string {
  const line = text.replace(/\s+/g, " ").trim();
  if (columnsOf(line) <= columns) return line;
  let kept = "";
  let used = 1;
  for (const character of line) {
    used += columnsOf(character);
    if (used > columns) break;
    kept += character;
  }
  return `${kept}…`;
}

/** A text with blanks after it, up to so many columns. */
export function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - columnsOf(text)));
}
