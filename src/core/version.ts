/** The version of this package, which goes along as `user-agent` and is what `loophost --version` prints. */

/** As in package.json; a test holds the two together. */
export const VERSION = "0.1.0";
