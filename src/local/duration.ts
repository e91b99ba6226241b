const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 60 * 60, d: 24 * 60 * 60 };

/** `90s`, `30m`, `12h`, `7d` in seconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = /^([1-9]\d{0,8})([smhd])$/.exec(text) ?? [];
  const seconds = SECONDS[unit ?? ''];
  return amount === undefined || seconds === undefined ? undefined : Number(amount) * seconds;
}
