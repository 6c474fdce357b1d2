// Every program in docs/ runs as it is written: the Messages API is played behind fetch, Claude Managed Agents by the embedded
// host. Those that cannot run say why, and each page with programs has one that does.

import { embeddedHost } from "loophost/server";
import { expect, it } from "vitest";

import { readPages } from "../support/pages.ts";
import { failuresOf, samplesOf } from "../support/samples.ts";

const PAGES = readPages().filter((page) => samplesOf(page).length > 0);

it.each(PAGES.map((page) => [page.path, page] as const))(
  "runs the programs of %s",
  { timeout: 240_000 },
  async (_, page) => {
    expect(samplesOf(page).filter(({ notRun }) => notRun === undefined)).not.toEqual([]);
    // A session with a budget needs a price.
    const prices = { "claude-sonnet-5-5": { inputPerMillion: 300, outputPerMillion: 1_500 } };
    const host = embeddedHost({ model: () => "It is on its way.", prices });
    const { url } = await host.listen({ port: 0 });
    try {
      const env = { ANTHROPIC_API_KEY: "sk-ant-played", ANTHROPIC_BASE_URL: url, MY_SERVER_URL: url };
      expect(await failuresOf(page, env)).toEqual([]);
    } finally {
      await host.close();
    }
  },
);
