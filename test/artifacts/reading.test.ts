// What goes wrong on this side of a transfer: content that is none or breaks off, calls that are given up, bytes read twice.

import { artifacts } from "loophost/artifacts";
import { local } from "loophost/providers/local";
import { describe, expect, it } from "vitest";

import { filesOf, newFolder, providerOf, sessionAtClaude } from "./hosts.ts";

const inFolder = () => artifacts(local({ model: () => "", artifactsFolder: newFolder() }), "s");

describe.each(Object.entries(providerOf))("on %s", (_host, newProvider) => {
  it("content that is none, or breaks off, is told as that, and not as a fault of the host's", async () => {
    const files = await filesOf(await newProvider());
    const locked = new Blob(["x"]).stream();
    locked.getReader();
    const failed = new ReadableStream({
      start: (controller) => controller.error(new Error("the disk is gone")),
    });
    async function* broken() {
      yield new Uint8Array(70_000);
      throw new Error("the disk is gone");
    }
    for (const [content, message] of [
      [7, "put(): it takes a string"],
      [{ a: 1 }, "put(): it takes a string"],
      [null, "put(): it takes a string"],
      [undefined, "put(): it takes a string"],
      [new ArrayBuffer(2), "put(): it takes a string"],
      [locked, "put(): the stream has another reader already"],
      [["text"], "put(): bytes must come as Uint8Array"],
      [[new Uint8Array(3), 4], "put(): bytes must come as Uint8Array"],
      [failed, "put(): reading the content failed: the disk is gone"],
      [broken(), "put(): reading the content failed: the disk is gone"],
    ] as const)
      await expect(files.put("a.txt", content as never)).rejects.toMatchObject({
        code: "invalid_options",
        message: expect.stringContaining(message),
      });
    expect(await files.list()).toEqual([]);
  });

  it("a call that is given up before it begins does nothing", async () => {
    const files = await filesOf(await newProvider());
    await files.put("a.txt", "kept");
    const how = { signal: AbortSignal.abort(new Error("given up")) };
    for (const call of [
      files.list(how),
      files.get("a.txt", how),
      files.put("a.txt", "other", how),
      files.delete("a.txt", how),
    ])
      await expect(call).rejects.toMatchObject({
        code: "aborted",
        message: expect.stringContaining("given up"),
      });
    const file = await files.get("a.txt");
    expect(new TextDecoder().decode(await file.bytes())).toBe("kept");
  });

  it("reading that is given up ends its stream with an error of ours", async () => {
    const files = await filesOf(await newProvider());
    await files.put("big.bin", new Uint8Array(1_000_000));
    const stop = new AbortController();
    const file = await files.get("big.bin", { signal: stop.signal });
    stop.abort();
    await expect(file.bytes()).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("bytes", () => {
  it("are the same when they are asked for again, within the bound of each call", async () => {
    const files = inFolder();
    await files.put("a.txt", "twelve bytes");
    const file = await files.get("a.txt");
    const [one, other] = await Promise.all([file.bytes(), file.bytes()]);
    expect(new TextDecoder().decode(one)).toBe("twelve bytes");
    expect(other).toBe(one);
    await expect(file.bytes(11)).rejects.toMatchObject({ code: "reply_too_large" });
    expect(await file.bytes(12)).toBe(one);
  });

  it("of a stream that was read, is being read or was cancelled are refused: half of a file is no file", async () => {
    const files = inFolder();
    await files.put("a.txt", "x");
    const [read, locked, cancelled] = [
      await files.get("a.txt"),
      await files.get("a.txt"),
      await files.get("a.txt"),
    ];
    await new Response(read.stream).text();
    locked.stream.getReader();
    await cancelled.stream.cancel();
    for (const file of [read, locked, cancelled])
      await expect(file.bytes()).rejects.toMatchObject({
        code: "invalid_options",
        message: expect.stringContaining("Get the file again"),
      });
  });

  it.each([Number.NaN, -1, "9", null])("have a bound that is a number, not %j", async (bound) => {
    const files = inFolder();
    await files.put("a.txt", "x");
    const file = await files.get("a.txt");
    await expect(file.bytes(bound as never)).rejects.toMatchObject({ code: "invalid_options" });
  });
});

it("a source is let go of when its put is refused", async () => {
  const files = inFolder();
  const stopped = AbortSignal.abort();
  const refusals = [
    ["..", {}, "invalid_options"],
    ["a.txt", { signal: 1 as never }, "invalid_options"],
    ["a.txt", { signal: stopped }, "aborted"],
  ] as const;
  for (const [name, options, code] of refusals) {
    let isCancelled = false;
    const source = new ReadableStream<Uint8Array>({ cancel: () => void (isCancelled = true) });
    await expect(files.put(name, source, options)).rejects.toMatchObject({ code });
    expect(isCancelled).toBe(true);
  }
});

it("a source is let go of when its put fails before it was read", async () => {
  const { filesBy } = await sessionAtClaude();
  let isCancelled = false;
  const source = new ReadableStream<Uint8Array>({
    pull: () => new Promise(() => undefined),
    cancel: () => void (isCancelled = true),
  });
  const files = filesBy({ fetch: () => Promise.reject(new Error("no line")) });
  await expect(files.put("a.txt", source)).rejects.toMatchObject({ code: "host_unreachable" });
  expect(isCancelled).toBe(true);
});
