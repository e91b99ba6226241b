import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';

/** Figures of one machine say little about another: each report begins with which it was, and how busy. */
export function describeMachine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? 'unknown processor';
  const gibibytes = (totalmem() / 2 ** 30).toFixed(0);
  const load = loadavg()[0]?.toFixed(1);
  return (
    `${processors.length} × ${model}, ${gibibytes} GiB, ${platform()} ${release()} ${arch()}, Node ${process.version}, ` +
    `${new Date().toISOString().slice(0, 16)}Z, load at the start ${load}`
  );
}
