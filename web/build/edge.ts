// Where /v1 is, as the page is built for it (POCKETGEN_EDGE): what the page's addresses and its policy are made from.

/** `none`, or an address that ends with a slash: without one its last part would be no folder, and be dropped from every address. */
export function edgeOf(given: string | undefined): string {
  if (!given) return './';
  return given === 'none' || given.endsWith('/') ? given : `${given}/`;
}
