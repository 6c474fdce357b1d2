// Help on a narrow terminal.

import { expect, it } from "vitest";

import { wrap } from "../../../src/cli/screen/wrap.ts";
import { HELPS } from "../helps.ts";

it.each(HELPS)("breaks no word of the help of %s at 40 columns, and leaves none out", (_, help) => {
  const wrapped = wrap(help, 40);
  expect(wrapped.match(/\S+/g)).toEqual(help.match(/\S+/g));
  const long = wrapped.split("\n").filter((line) => line.length > 40 && /\S +\S/.test(line.trim()));
  expect(long).toEqual([]);
  expect(wrap(help, 100)).toBe(help);
});

it("stands what belongs to an option under it", () => {
  expect(wrap("Options\n  --model <id>  the model to ask, whatever it is", 24)).toBe(
    "Options\n  --model <id> the model\n      to ask, whatever\n      it is",
  );
});

it("breaks what was broken for a wider terminal once, and leaves headings and lists as they are", () => {
  const text =
    "Options\n  --store <file>  a file, or a\n                  database\n  --yes  all\n\nSays what\nit is.";
  expect(wrap(text, 24)).toBe(
    "Options\n  --store <file> a file,\n      or a database\n  --yes  all\n\nSays what it is.",
  );
});

it.each(HELPS)("shows an example of %s", (name, help) => {
  expect(help).toMatch(new RegExp(`^Examples?\\n(  .*\\n)*  .*\\bloophost ${name}\\b`, "m"));
});
