/** A request the service refuses, with its own names for why. */

/** Thrown where a request is validated; sent as an HTTP error, or as the first frame of a stream. */
export class Refusal extends Error {
  readonly status: number;
  readonly type: string;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(status: number, type: string, message: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.type = type;
    this.extra = extra;
  }
}

/** A request that is not as it has to be; `field` is what is wrong with it. */
export function invalid(field: string, message: string): Refusal {
  return new Refusal(400, "ValidationException", message, {
    reason: "FieldValidationFailed",
    fieldList: [{ name: field, message }],
  });
}
