/** Where the stand-in is, as its process tells it: one address that names the harness, too. */

/** The address of a harness. */
export function toUrl(endpoint: string, harnessArn: string): string {
  return `${endpoint}?${new URLSearchParams({ harnessArn }).toString()}`;
}

/** What an address names. */
export function toHarness(url: string): { readonly endpoint: string; readonly harnessArn: string } {
  const { origin, searchParams } = new URL(url);
  return { endpoint: origin, harnessArn: searchParams.get("harnessArn") ?? "" };
}
