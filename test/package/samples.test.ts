// Every TypeScript sample of README.md and docs/ compiles, and the check notices one that does not.

import { expect, it } from "vitest";

import { readPages } from "../support/pages.ts";
import { fencesOf, problemsOf, samplesOf } from "../support/samples.ts";

const LANGUAGES = ["ts", "sh", "text", "json"];

it("finds every sample in order, and catches a wrong one by its page and line", async () => {
  const wrong = {
    path: "docs/wrong.md",
    text: '# Wrong\n\n<!-- sample:\nconst model = "id";\n-->\n\n```ts\nimport { run } from "loophost";\nrun(model);\n```\n',
  };
  const pages = readPages();
  expect(pages.flatMap(samplesOf).length).toBeGreaterThan(20);
  expect(await problemsOf([...pages, wrong])).toEqual([
    expect.stringMatching(/^docs\/wrong\.md:9: error TS2554: Expected 2 arguments/),
  ]);
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
  ["```ts\na;\n```\n", ["\na;\nexport {};\n"]],
  [
    "text\n\n```ts\na;\nb;\n```\n\n```ts\nc;\n```\n",
    ["\n\n\na;\nb;\nexport {};\n", "\n\n\n\n\n\n\n\nc;\nexport {};\n"],
  ],
  ["<!-- sample: let a; -->\n\n```ts\na;\n```\n", [" let a; \n\n\na;\nexport {};\n"]],
  ["<!-- sample: let b; -->\n\ntext\n\n```ts\na;\n```\n", ["\n\n\n\n\na;\nexport {};\n"]],
  ["```sh\na\n```\n", []],
])("reads the samples of %j", (text, samples) => {
  expect(samplesOf({ path: "docs/a.md", text })).toEqual(samples);
});
