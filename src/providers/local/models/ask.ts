/**
 * Asks a model over HTTP: one exchange per attempt, with retries.
 *
 *   H2  deltas of a failed attempt are retracted before the next one
 */

import { retryPolicy, withRetry } from "../../../core/async/retry.ts";
import { toLoophostError } from "../../../core/errors.ts";
import type { HttpReader, HttpService } from "../../../core/wire/http.ts";
import { exchange, toConnectionError } from "../../../core/wire/http.ts";
import type { ModelCall, ModelReply } from "../model.ts";
import type { FetchModelOptions } from "./fetch-model.ts";

/** One try: what is sent, and who reads the reply. */
export interface ModelTry {
  readonly body: Uint8Array<ArrayBuffer> | string;
  readonly reader: ReplyReader;
}

/** Makes a model's reply of what comes over the wire. */
export interface ReplyReader extends HttpReader {
  /** Whether deltas went out. */
  readonly hasEmitted: boolean;
  /** Contract: called once, when the reply is whole. */
  finish(): ModelReply;
}

/** Sends requests and sees them through. */
export interface ModelClient {
  /** Contract: calls `begin` for every try. Rejects with a LoophostError. */
  ask(call: ModelCall, begin: () => ModelTry): Promise<ModelReply>;
}

/** Far more than any model writes, far less than a process has: 32 MiB. */
const MAX_REPLY_BYTES = 32 * 1024 * 1024;

/** Makes the client of a service. */
export function createModelClient(service: HttpService, options: FetchModelOptions): ModelClient {
  const policy = retryPolicy(options.retry);
  const streams = options.stream ?? true;
  const { maxReplyBytes = MAX_REPLY_BYTES } = options;
  const maxSilentMs = options.idleTimeoutMs ?? (streams ? 120_000 : 300_000);
  return {
    ask({ signal, clock, emit }, begin) {
      let reader: ReplyReader | undefined;
      const tryOnce = async (): Promise<ModelReply> => {
        const next = write(begin, service);
        reader = next.reader;
        await exchange(service, { ...next, maxSilentMs, maxReplyBytes, signal, clock, fetch: options.fetch });
        return next.reader.finish();
      };
      return withRetry(tryOnce, {
        policy,
        clock,
        signal,
        toError: (thrown) => toConnectionError(thrown, service, signal),
        onRetry(attempt, delayMs, { message: reason }) {
          if (reader?.hasEmitted) emit({ type: "deltas.retracted", reason });
          emit({ type: "retrying", attempt, delayMs, reason });
        },
      }).catch((thrown: unknown) => {
        throw toConnectionError(thrown, service, signal);
      });
    },
  };
}

/** A request that cannot be serialised will not be the next time either: no retry. */
function write(begin: () => ModelTry, { name }: HttpService): ModelTry {
  try {
    return begin();
  } catch (thrown) {
    throw toLoophostError(thrown, "invalid_options", `The request to ${name} could not be written`);
  }
}
