/** Names for the tools of an MCP server: what a server calls a tool may be no name a model can be given. */

const MAX_CHARS = 64;

/**
 * Names tools, by the server's names for them: `<prefix>_<tool>` of at most 64 letters, digits, `_` and `-`.
 *
 * A tool's name depends on the names alone, not on their order: those that would come out the same, or too long, end in
 * a hash of what the server calls them.
 */
export function nameTools(prefix: string, theirs: readonly string[]): ReadonlyMap<string, string> {
  const plain = new Map(theirs.map((name) => [name, toLegal(prefix === "" ? name : `${prefix}_${name}`)]));
  const uses = Map.groupBy(plain.values(), (name) => name);
  return new Map(
    Array.from(plain, ([name, legal]) => {
      const isFit = legal !== "" && legal.length <= MAX_CHARS && uses.get(legal)?.length === 1;
      return [name, isFit ? legal : `${legal.slice(0, MAX_CHARS - 9)}_${hash(name)}`];
    }),
  );
}

function toLegal(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/g, "_");
}

/** FNV-1a, in 8 characters: short, the same everywhere, and there is nobody to attack it. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return value.toString(16).padStart(8, "0");
}
