/** The version of this package, which goes along as `user-agent` and is what `loophost --version` prints. */

/** As in package.json; a test holds the two together. */
export const VERSION = "0.1.0";

/** What services see of who asks; a header of the user's own replaces it. */
export const USER_AGENT: string = `loophost/${VERSION}`;
