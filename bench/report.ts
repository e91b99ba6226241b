/** Numbers, as the benchmarks print them. */
export interface Verdict {
  readonly goal: string;
  readonly reached: boolean;
  readonly measured: string;
}

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** The first row is the head; columns but the first are numbers. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    print(`  ${cells.join('  ')}`);
  }
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The nearest rank; NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

export function milliseconds(value: number): string {
  return `${value.toFixed(2)} ms`;
}

export function perSecond(value: number): string {
  return `${Math.round(value).toLocaleString('en-US')}/s`;
}
