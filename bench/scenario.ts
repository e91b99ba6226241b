/** What writers do one after the other, measured in turns. */
export interface Scenario {
  readonly name: string;
  readonly writers: number;
  /** One operation of this writer, acknowledged. */
  readonly write: (writer: number) => Promise<void>;
  /** Deltas in one operation. Default 1. */
  readonly deltas?: number;
  readonly latenciesMs: number[];
  readonly ratesPerSecond: number[];
}

/** Each writer does one operation after the other until the time is up. */
export async function takeTurn(scenario: Scenario, durationMs: number, counts: boolean): Promise<void> {
  const started = performance.now();
  let done = 0;
  const write = async (writer: number): Promise<void> => {
    while (performance.now() - started < durationMs) {
      const sent = performance.now();
      await scenario.write(writer);
      if (counts) scenario.latenciesMs.push(performance.now() - sent);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: scenario.writers }, (_none, writer) => write(writer)));
  if (counts) scenario.ratesPerSecond.push((done * (scenario.deltas ?? 1) * 1000) / (performance.now() - started));
}
