// `npm run rooms`: prints the parts of src/, whom each imports, and every circle or import against the direction.

import { arrowsOf, circlesOf, layeringProblems } from "./layering.ts";
import { readSources } from "./source.ts";

const sources = readSources();
const arrows = arrowsOf(sources);
const width = Math.max(...[...arrows.keys()].map((name) => name.length));
for (const [name, row] of [...arrows].toSorted(([a], [b]) => a.localeCompare(b)))
  console.log(
    `${name.padEnd(width)}  ${[...row].map(([to, count]) => `-> ${to} (${count})`).join("  ") || "imports nothing"}`,
  );
const problems = [...circlesOf(arrows).map((circle) => `circle: ${circle}`), ...layeringProblems(sources)];
console.log(
  problems.length === 0
    ? "\nno circle, no import against the direction; type imports counted"
    : `\n${problems.join("\n")}`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
