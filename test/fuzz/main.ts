// `npm run fuzz -- --replies 10000 --seed 1`: replies of model services by seed, and how much of both readers they reach.

import { parseArgs } from "node:util";

import { branchesOf } from "./branches.ts";
import { fuzz } from "./fuzz.ts";

const { values } = parseArgs({
  options: {
    replies: { type: "string", default: "10000" },
    seed: { type: "string", default: String(Date.now()) },
  },
});
const [replies, seed] = [Number(values.replies), Number(values.seed)];
const READERS =
  /providers\/local\/(whole-reply|models\/(openai\/(reply|calls|choice)|anthropic\/(reply|events)))\.ts$/;

console.log(`seed ${seed}, ${replies} replies`);
const files = await branchesOf(READERS, async () => {
  const endings = await fuzz({ seed, replies });
  for (const [ending, count] of [...endings].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${ending}: ${count}`);
});
for (const { file, reached, missed } of files) {
  console.log(`${file}: ${reached} branches reached, ${missed.length} not`);
  for (const line of missed) console.log(`  not reached: line ${line}`);
}
process.exitCode = files.length < 6 || files.some(({ missed }) => missed.length > 0) ? 1 : 0;
