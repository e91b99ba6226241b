/** What the demo prints. */
const BAR_CHARACTERS = 32;
const REDRAW_MS = 100;

export function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** A bar on a terminal; elsewhere a line each tenth. */
export class ProgressBar {
  readonly #total: number;
  readonly #started = performance.now();
  #done = 0;
  #drawnAt = 0;
  #tenths = 0;

  constructor(total: number) {
    this.#total = total;
  }

  step(): void {
    this.#done += 1;
    const now = performance.now();
    if (process.stdout.isTTY) {
      if (now - this.#drawnAt < REDRAW_MS && this.#done < this.#total) return;
      this.#drawnAt = now;
      process.stdout.write(`\r  ${this.#bar()}  ${this.#numbers(now)}  `);
      if (this.#done === this.#total) process.stdout.write('\n');
      return;
    }
    const tenths = Math.floor((this.#done * 10) / this.#total);
    if (tenths === this.#tenths) return;
    this.#tenths = tenths;
    say(`  ${this.#bar()}  ${this.#numbers(now)}`);
  }

  #bar(): string {
    const full = Math.floor((this.#done * BAR_CHARACTERS) / this.#total);
    return `${'█'.repeat(full)}${'░'.repeat(BAR_CHARACTERS - full)}`;
  }

  #numbers(now: number): string {
    const seconds = (now - this.#started) / 1000;
    const rate = Math.round(this.#done / Math.max(seconds, 0.001));
    return `${count(this.#done)} of ${count(this.#total)} keystrokes, ${rate}/s, ${seconds.toFixed(0)} s`;
  }
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}
