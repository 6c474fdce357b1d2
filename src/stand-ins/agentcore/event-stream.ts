/** Frames of the AWS event stream, as bytes. An encoder of its own, so that what decodes them is held against something else. */

import { crc32 } from "node:zlib";

/** A frame of these string headers and this payload. */
function encodeFrame(headers: Readonly<Record<string, string>>, payload: string): Buffer {
  const head = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const text = Buffer.from(value);
      const length = Buffer.alloc(3);
      length.writeUInt8(7);
      length.writeUInt16BE(text.length, 1);
      return Buffer.concat([Buffer.from([Buffer.byteLength(name)]), Buffer.from(name), length, text]);
    }),
  );
  const body = Buffer.from(payload);
  const prelude = Buffer.alloc(12);
  prelude.writeUInt32BE(16 + head.length + body.length);
  prelude.writeUInt32BE(head.length, 4);
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);
  const frame = Buffer.concat([prelude, head, body, Buffer.alloc(4)]);
  frame.writeUInt32BE(crc32(frame.subarray(0, -4)), frame.length - 4);
  return frame;
}

/** An event. */
export function encodeEvent(type: string, value: unknown): Buffer {
  return encodeFrame(
    { ":message-type": "event", ":event-type": type, ":content-type": "application/json" },
    JSON.stringify(value),
  );
}

/** An error the service's model knows. */
export function encodeException(type: string, message: string): Buffer {
  const headers = { ":message-type": "exception", ":exception-type": type };
  return encodeFrame({ ...headers, ":content-type": "application/json" }, JSON.stringify({ message }));
}

/** An error it does not know. */
export function encodeError(code: string, message: string): Buffer {
  return encodeFrame({ ":message-type": "error", ":error-code": code, ":error-message": message }, "");
}
