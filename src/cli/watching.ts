/** Who watches what the command line runs, by the flags of every command that runs something. */

import { LoophostError } from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";
import { openTelemetry } from "../observe/open-telemetry.ts";

/** The flags, as `parseArgs` takes them. */
export const WATCH_OPTIONS = { otel: { type: "boolean" } } as const;

/** The flags, as `parseArgs` gives them. */
export interface WatchFlags {
  readonly otel?: boolean | undefined;
}

/** The flags as `--help` shows them. */
export const WATCH_OPTIONS_HELP: string = `\
  --otel             send traces and metrics by OpenTelemetry to where OTEL_EXPORTER_OTLP_ENDPOINT
                     says; needs @opentelemetry/sdk-node`;

/** Those who watch, until they are let go of. */
export interface Watching extends AsyncDisposable {
  readonly observers: readonly Observer[];
}

/**
 * Starts what the flags name. Letting go of it sends what is left, for some seconds at most.
 *
 * @throws LoophostError `missing_dependency`
 */
export async function watchBy(flags: WatchFlags): Promise<Watching> {
  if (flags.otel !== true) return { observers: [], [Symbol.asyncDispose]: async () => undefined };
  const stop = await startSdk();
  return { observers: [await openTelemetry()], [Symbol.asyncDispose]: stop };
}

/** How long a collector that does not answer may hold up the end. */
const FLUSH_MS = 5_000;

async function startSdk(): Promise<() => Promise<void>> {
  const { NodeSDK } = await import("@opentelemetry/sdk-node").catch((cause: unknown) => {
    const wayOut = "Install it: npm install @opentelemetry/sdk-node";
    throw new LoophostError("missing_dependency", `--otel needs @opentelemetry/sdk-node. ${wayOut}`, {
      cause,
    });
  });
  const serviceName = process.env["OTEL_SERVICE_NAME"] || "loophost";
  const sdk = new NodeSDK({ serviceName });
  sdk.start();
  return async () => {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, FLUSH_MS).unref();
    await Promise.race([sdk.shutdown().catch(sayNotSent), late]);
    clearTimeout(timer);
  };
}

function sayNotSent(thrown: unknown): void {
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  process.stderr.write(`loophost: Traces or metrics could not be sent: ${why}\n`);
}
