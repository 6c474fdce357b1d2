// Every program in README.md and docs/ compiles as the reader sees it, those of README.md run, and the check notices one that
// does not. The programs of the other pages run in samples.long.test.ts.

import { expect, it } from "vitest";

import { readPage, readPages } from "../support/pages.ts";
import { failuresOf, fencesOf, problemsOf, samplesOf } from "../support/samples.ts";

const LANGUAGES = ["ts", "sh", "text", "json"];

it("finds every sample in order, and catches a wrong one by its page and line", async () => {
  const wrong = {
    path: "docs/wrong.md",
    text: '# Wrong\n\n```ts\nimport { run } from "loophost";\nrun("id");\n```\n',
  };
  const pages = readPages();
  expect(pages.flatMap(samplesOf).length).toBeGreaterThan(20);
  expect(await problemsOf([...pages, wrong])).toEqual([
    expect.stringMatching(/^docs\/wrong\.md:5: error TS2554: Expected 2 arguments/),
  ]);
});

it("runs those of README.md, and tells of one that fails", async () => {
  expect(await failuresOf(readPage("README.md"), {})).toEqual([]);
  const text =
    "```ts\n// a.mjs\nthrow new Error('no good');\n```\n\n<!-- not run: it fails -->\n\n```ts\nnope();\n```\n";
  expect(await failuresOf({ path: "docs/a.md", text }, {})).toEqual([
    expect.stringMatching(/^docs\/a\.md:1: [^]*no good/),
  ]);
});

it("hides nothing from the reader: no sample leans on a comment", () => {
  const hidden = readPages().filter(({ text }) => text.includes("<!-- sample"));
  expect(hidden.map(({ path }) => path)).toEqual([]);
});

it("leaves no block out for its language", () => {
  const others = readPages().flatMap((page) =>
    fencesOf(page).flatMap(({ language, line }) =>
      LANGUAGES.includes(language) ? [] : [`${page.path}:${line} is "${language}"`],
    ),
  );
  expect(others).toEqual([]);
});

it.each([
  ["```ts\na;\n```\n", [["sample-0.ts", "\na;\nexport {};\n"]]],
  [
    "text\n\n```ts\na;\nb;\n```\n\n```ts\n// c.mjs\nc;\n```\n",
    [
      ["sample-0.ts", "\n\n\na;\nb;\nexport {};\n"],
      ["c.mjs", "\n\n\n\n\n\n\n\n// c.mjs\nc;\nexport {};\n"],
    ],
  ],
  ["<!-- not run: it waits -->\n\n```ts\na;\n```\n", [["sample-0.ts", "\n\n\na;\nexport {};\n", "it waits"]]],
  ["```sh\na\n```\n", []],
])("reads the samples of %j", (text, samples) => {
  const found = samplesOf({ path: "docs/a.md", text });
  expect(found.map(({ name, code, notRun }) => [name, code, ...(notRun ? [notRun] : [])])).toEqual(samples);
});
