/** `npm run campaign -- [--kills N] [--seed S] [--minutes M]`: exit code 1 if anything was found. */
import { randomInt } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.ts';

const HELP = `npm run campaign -- [--kills N] [--seed S] [--minutes M]

  --kills N     SIGKILLs in all, of studios, MongoDB and NATS; default 200
  --seed S      whom to kill when, and what to write; default at random
  --minutes M   stop killing after so long, however many there were by then
  --studios N   default 3
  --writers N   gRPC clients; default 8

Everything acknowledged must be there afterwards, once, the same everywhere. The exit code is 1 if anything was found.`;

setMaxListeners(200, process);

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      kills: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(randomInt(2 ** 32)) },
      minutes: { type: 'string', default: 'Infinity' },
      studios: { type: 'string', default: '3' },
      writers: { type: 'string', default: '8' },
    },
  });
  const [kills, seed, studios, writers] = [values.kills, values.seed, values.studios, values.writers].map(Number);
  const minutes = Number(values.minutes);
  const isSane = [kills, seed, studios, writers].every((value) => Number.isInteger(value)) && minutes > 0;
  if (values.help || !isSane || !kills || seed === undefined || !studios || !writers) {
    print(HELP);
    return values.help ? 0 : 2;
  }
  print(`seed ${seed}: ${kills} kills, ${studios} studios, ${writers} writers`);
  const onProgress = (line: string): void => print(`  ${line}`);
  const report = await runCampaign({ seed, kills, loadMs: minutes * 60_000, studios, writers, onProgress });
  const { ledger } = report;
  print(`\n  ${report.kills} kills in ${report.seconds.toFixed(0)} s`);
  const rows = [...ledger.counts].sort(([a], [b]) => (a < b ? -1 : 1));
  const width = Math.max(...rows.map(([what]) => what.length));
  for (const [what, count] of rows) print(`  ${what.padEnd(width)}  ${String(count).padStart(8)}`);
  for (const finding of ledger.findings) print(`✘ ${finding}`);
  if (ledger.findingsCount > 0) print(`\n${report.logs.slice(-20_000)}`);
  print(`\nseed ${seed}: ${ledger.findingsCount === 0 ? 'nothing was lost' : `${ledger.findingsCount} findings`}`);
  return ledger.findingsCount === 0 ? 0 : 1;
}

process.exitCode = await main();
