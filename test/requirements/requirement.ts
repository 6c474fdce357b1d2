// What this project promises, one sentence each. A test cites an id in its title: it("… [I2]"). The reporter in
// ../support/requirements-reporter.ts fails a complete run when a promise said to be built has no passing test.

/** One promise and where it stands. */
export interface Requirement {
  readonly id: string;
  /** The promise itself, in a sentence a user could hold us to. */
  readonly says: string;
  /** Where the promise comes from: a document and section, or a host's own documentation. */
  readonly from: string;
  /** `built`: a passing test cites it. `pending`: not yet. `otherwise`: met in another way, told in `why`. */
  readonly status: "built" | "pending" | "otherwise";
  readonly why?: string;
}
