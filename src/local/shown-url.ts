/** A part's URL as it may be shown: without the login before the last `@`, and without options, which may hold secrets too. */
export function shownUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1').replace(/\?.*$/s, '');
}
