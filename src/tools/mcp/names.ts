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
  const isFit = (legal: string) => legal !== "" && legal.length <= MAX_CHARS && uses.get(legal)?.length === 1;
  const taken = new Set([...plain.values()].filter(isFit));
  const hashed = new Map<string, string>();
  // In an order of their own: whoever makes two hashes the same, or a name that looks hashed, gets another, never that tool's.
  for (const [name, legal] of [...plain].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (isFit(legal)) continue;
    let tries = 0;
    let ours: string;
    do ours = `${legal.slice(0, MAX_CHARS - 9)}_${hash(tries === 0 ? name : `${name} ${tries}`)}`;
    while (taken.has(ours) && (tries += 1));
    taken.add(ours);
    hashed.set(name, ours);
  }
  return new Map(Array.from(plain, ([name, legal]) => [name, hashed.get(name) ?? legal]));
}

function toLegal(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/g, "_");
}

/** FNV-1a, in 8 characters: short, the same everywhere. That two can be made to have the same is expected. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return value.toString(16).padStart(8, "0");
}
