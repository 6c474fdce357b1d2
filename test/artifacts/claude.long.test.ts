// A put at Claude's over a bad line, each of its requests failing in turn: one file is kept, and no other without a word.

import { expect, it, onTestFinished } from "vitest";

import { oneFaultProxy } from "../provisioning/one-fault.ts";
import { sessionAtClaude } from "./hosts.ts";

const hows = ["refuse", "lose request", "lose reply"] as const;

it.each(hows)(
  "a put over another keeps one file and no other, or says what is left: %s",
  async (how) => {
    for (let at = 1; ; at += 1) {
      const { baseUrl, filesBy, stored, resources } = await sessionAtClaude();
      await filesBy().put("a.txt", "before");
      const proxy = await oneFaultProxy(baseUrl, { at, how });
      onTestFinished(() => proxy.close());
      const put = await filesBy({ baseUrl: proxy.url })
        .put("a.txt", "after")
        .catch((thrown: unknown) => thrown);
      if (proxy.asked.length < at) break;
      const said = put instanceof Error ? put.message : "";
      const kept = (await resources()).map((resource) => resource["file_id"]);
      const unsaid = (await stored())
        .map(({ id }) => id)
        .filter((id) => !kept.includes(id) && !said.includes(id));
      // Of an upload whose reply was lost nobody knows the id; the error says that it may be there.
      expect({ at, said, unsaid: /may/.test(said) ? [] : unsaid }).toEqual({ at, said, unsaid: [] });
      expect(kept.length).toBeLessThanOrEqual(1);
      const content = await filesBy()
        .get("a.txt")
        .then(async (file) => new TextDecoder().decode(await file.bytes()))
        .catch(() => "nothing");
      expect(said === "" ? [content] : ["before", "after", "nothing"]).toContain(
        said === "" ? "after" : content,
      );
    }
  },
  60_000,
);
