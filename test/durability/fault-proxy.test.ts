import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

import type { FaultProxy, WireFault } from "loophost/testing/node";
import { faultProxy } from "loophost/testing/node";
import { afterEach, describe, expect, it } from "vitest";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** A server, what it was asked, and a proxy in front of it. */
async function proxied(
  listener: RequestListener,
  faults: readonly WireFault[],
  seed?: number,
): Promise<Pick<FaultProxy, "url" | "log"> & { asked: string[]; underWay: () => number }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = await faultProxy({
    target: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    seed,
  });
  open.push(proxy, {
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  });
  return { url: proxy.url, log: proxy.log, asked, underWay: () => proxy.underWay };
}

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await later(1);
}

const hello: RequestListener = (_, response) => response.end("hello");
const FRAMES = ["data: 1\n\n", "event: x\r\ndata: é2\r\n\r\n", "data: 3\n\n"];
const events: RequestListener = (_, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  // In pieces that end in the middle of characters and line ends.
  for (const byte of Buffer.from(FRAMES.join(""))) response.write(Buffer.from([byte]));
  response.end();
};

describe("faultProxy", () => {
  it("passes requests and replies as they are when nothing goes wrong", async () => {
    const echo: RequestListener = (request, response) => {
      response.writeHead(201, { "x-host": String(request.headers.host), "x-key": request.headers["x-key"] });
      request.pipe(response);
    };
    const proxy = await proxied(echo, []);
    const reply = await fetch(`${proxy.url}/a?b=c`, {
      method: "POST",
      body: "é".repeat(9_000),
      headers: { "x-key": "k" },
    });
    expect(await reply.text()).toBe("é".repeat(9_000));
    expect(reply.status).toBe(201);
    expect(reply.headers.get("x-key")).toBe("k");
    expect(`http://${reply.headers.get("x-host")}`).not.toBe(proxy.url);
    expect(proxy.asked).toEqual(["POST /a?b=c"]);
    expect(proxy.log).toEqual([]);
  });

  it("passes a stream as it comes", async () => {
    const held: RequestListener = (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(FRAMES[0]);
    };
    const proxy = await proxied(held, [{ how: "duplicate", chance: 0 }]);
    const reader = (await fetch(proxy.url)).body?.getReader();
    const first = await reader?.read();
    expect(new TextDecoder().decode(first?.value)).toBe(FRAMES[0]);
    await reader?.cancel();
  });

  it("hangs up on the server when the client hangs up", async () => {
    const closed = Promise.withResolvers<void>();
    const proxy = await proxied((request, response) => {
      response.flushHeaders();
      request.socket.once("close", () => closed.resolve());
    }, []);
    const stop = new AbortController();
    await fetch(proxy.url, { signal: stop.signal });
    stop.abort();
    await closed.promise;
    expect(proxy.asked).toHaveLength(1);
  });

  it("cuts a reply after so many bytes", async () => {
    const proxy = await proxied(
      (_, response) => void response.write("0123456789"),
      [{ how: "cut", afterBytes: 4 }],
    );
    const chunks: string[] = [];
    const { body } = await fetch(proxy.url);
    const reading = async () => {
      for await (const chunk of body ?? []) chunks.push(Buffer.from(chunk).toString());
    };
    await expect(reading()).rejects.toThrow("terminated");
    expect(chunks.join("")).toBe("0123");
  });

  it("cuts a large reply where it was told to, and spares one that is shorter", async () => {
    const large = Buffer.alloc(3_000_000, "x");
    const proxy = await proxied(
      (request, response) => response.end(request.url === "/large" ? large : "short"),
      [{ how: "cut", afterBytes: 1_234_567 }],
    );
    expect(await (await fetch(`${proxy.url}/short`)).text()).toBe("short");
    expect(proxy.log).toEqual([]);
    let bytes = 0;
    const { body } = await fetch(`${proxy.url}/large`);
    await expect(
      (async () => {
        for await (const chunk of body ?? []) bytes += (chunk as Uint8Array).length;
      })(),
    ).rejects.toThrow("terminated");
    expect(bytes).toBe(1_234_567);
    expect(proxy.log).toMatchObject([{ how: "cut", path: "/large" }]);
  });

  it("lets a reply fall silent: no more bytes, and no end", async () => {
    const proxy = await proxied(hello, [{ how: "stall", afterBytes: 3 }]);
    const reader = (await fetch(proxy.url)).body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? "").toString()).toBe("hel");
    const rest = reader?.read().then(
      () => "more",
      () => "gone",
    );
    expect(await Promise.race([rest, later(60).then(() => "silent")])).toBe("silent");
    expect(proxy.underWay()).toBe(1);
    await reader?.cancel();
    await until(() => proxy.underWay() === 0);
  });

  it("loses a request before the server hears of it", async () => {
    const proxy = await proxied(hello, [{ how: "lose request", times: 1 }]);
    await expect(fetch(proxy.url, { method: "POST" })).rejects.toThrow("fetch failed");
    expect(proxy.asked).toEqual([]);
    expect(await (await fetch(proxy.url)).text()).toBe("hello");
  });

  it("can break the connection before the server gets the request", async () => {
    const proxy = await proxied(hello, [{ how: "lose reply", lateMs: 40 }]);
    await expect(fetch(proxy.url, { method: "POST" })).rejects.toThrow("fetch failed");
    expect(proxy.asked).toEqual([]);
    await until(() => proxy.asked.length === 1);
  });

  it("loses a reply after the server did the work", async () => {
    const proxy = await proxied(hello, [{ how: "lose reply" }]);
    await expect(fetch(proxy.url, { method: "POST" })).rejects.toThrow("fetch failed");
    expect(proxy.asked).toEqual(["POST /"]);
    expect(proxy.log).toEqual([
      { how: "lose reply", request: 1, method: "POST", path: "/", fault: { how: "lose reply" } },
    ]);
  });

  it.each([429, 500, 529])("refuses with %d, and the server never hears of it", async (status) => {
    const proxy = await proxied(hello, [{ how: "refuse", status, retryAfterMs: 7, times: 1 }]);
    const refused = await fetch(proxy.url);
    expect(refused.status).toBe(status);
    expect(refused.headers.get("retry-after-ms")).toBe("7");
    expect(await refused.json()).toMatchObject({ type: "error" });
    expect(proxy.asked).toEqual([]);
    expect(await (await fetch(proxy.url)).text()).toBe("hello");
  });

  it("refuses with the headers it is given", async () => {
    const proxy = await proxied(hello, [{ how: "refuse", status: 503, headers: { "retry-after": "2" } }]);
    expect((await fetch(proxy.url)).headers.get("retry-after")).toBe("2");
  });

  it("lets a request wait", async () => {
    const proxy = await proxied(hello, [{ how: "delay", ms: 60 }]);
    const before = performance.now();
    expect(await (await fetch(proxy.url)).text()).toBe("hello");
    expect(performance.now() - before).toBeGreaterThan(55);
  });

  it("lets a reply wait when the server has done its work", async () => {
    let doneAt = Number.POSITIVE_INFINITY;
    const work: RequestListener = (_, response) => {
      doneAt = performance.now();
      response.end("hello");
    };
    const proxy = await proxied(work, [{ how: "delay", ms: 60, of: "reply" }]);
    expect(await (await fetch(proxy.url)).text()).toBe("hello");
    expect(performance.now() - doneAt).toBeGreaterThan(55);
  });

  it("lets an event wait, and all that follow it", async () => {
    const proxy = await proxied(events, [{ how: "lag", ms: 60, times: 1 }]);
    const before = performance.now();
    expect(await (await fetch(proxy.url)).text()).toBe(FRAMES.join(""));
    expect(performance.now() - before).toBeGreaterThan(55);
    expect(proxy.log).toMatchObject([{ how: "lag", request: 1 }]);
  });

  it.each([
    ["duplicate", [0, 0, 1, 1, 2, 2]],
    ["reorder", [1, 0, 2]],
  ] as const)("can %s the events of a stream, whole ones only", async (how, order) => {
    const proxy = await proxied(events, [{ how, ...(how === "reorder" && { times: 1 }) }]);
    expect(await (await fetch(proxy.url)).text()).toBe(order.map((index) => FRAMES[index]).join(""));
  });

  it("can bring an event after several that follow it", async () => {
    const proxy = await proxied(events, [{ how: "reorder", by: 2, times: 1 }]);
    expect(await (await fetch(proxy.url)).text()).toBe([1, 2, 0].map((index) => FRAMES[index]).join(""));
  });

  it("keeps the last event when there is none to come before it", async () => {
    const proxy = await proxied(events, [{ how: "reorder" }]);
    expect(await (await fetch(proxy.url)).text()).toBe([1, 0, 2].map((index) => FRAMES[index]).join(""));
  });

  it("does the same again by the same seed, and only where it is told to", async () => {
    const faults: WireFault[] = [
      { how: "refuse", status: 500, chance: 0.5, on: ({ path }) => path !== "/spared" },
    ];
    const statuses = async (seed: number) => {
      const proxy = await proxied(hello, faults, seed);
      const seen: number[] = [];
      for (let number = 0; number < 24; number += 1)
        seen.push((await fetch(`${proxy.url}/${number % 2 === 0 ? "spared" : "hit"}`)).status);
      return seen;
    };
    const first = await statuses(1);
    expect(await statuses(1)).toEqual(first);
    expect(await statuses(2)).not.toEqual(first);
    expect(new Set(first.filter((_, index) => index % 2 === 0))).toEqual(new Set([200]));
    expect(new Set(first)).toEqual(new Set([200, 500]));
  });

  it("breaks the connection when the server cannot be reached", async () => {
    const proxy = await faultProxy({ target: "http://127.0.0.1:1", faults: [] });
    open.push(proxy);
    await expect(fetch(proxy.url)).rejects.toThrow("fetch failed");
  });

  it("refuses a target that is no address", async () => {
    await expect(faultProxy({ target: "localhost", faults: [] })).rejects.toThrow(
      /target must be an http or https URL/,
    );
  });
});
