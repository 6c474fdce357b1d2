// Faults that change nothing anybody can see, each with the reason. A line names the fault as the table prints it; one that
// no operator makes any more stops the script: the code has changed, so look again.

const EQUIVALENT = [];

/** Why a fault is equivalent, by its id; throws for a line that names no fault. */
export function equivalents(faults) {
  const reasons = new Map();
  for (const [file, at, was, is, why] of EQUIVALENT) {
    const found = faults.filter(
      (fault) => fault.file === file && fault.at === at && fault.was === was && fault.is === is,
    );
    if (found.length === 0)
      throw new Error(`scripts/mutants/equivalent.mjs: ${file} has no "${was}" -> "${is}" in "${at}"`);
    for (const { id } of found) reasons.set(id, why);
  }
  return reasons;
}
