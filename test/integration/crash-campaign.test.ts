/** A short crash campaign; `npm run campaign` is the long one. */
import { setMaxListeners } from 'node:events';
import * as assert from 'uvu/assert';
import { runCampaign } from '../campaign/campaign.ts';
import { suite } from '../harness/suite.ts';

const test = suite('crash campaign', { timeoutMs: 8 * 60_000 });
const SEED = 7;
const KILLS = 10;
/** Where the machine is slow; it is over with the last kill. */
const LOAD_MS_MAX = 150_000;

test(`G1 G2 G3 G4 G5: ${KILLS} kills of studios, MongoDB and NATS: nothing acknowledged is lost, all agree`, async () => {
  // Each of the many providers and studios waits for the end of the process.
  setMaxListeners(200, process);
  const report = await runCampaign({ seed: SEED, kills: KILLS, loadMs: LOAD_MS_MAX, studios: 3, writers: 6 });
  const { ledger } = report;
  const counts = [...ledger.counts].map(([what, count]) => `${what} ${count}`).join(', ');
  process.stdout.write(`  ${report.kills} kills in ${report.seconds.toFixed(0)} s: ${counts}\n`);
  // Those that wait for their moment when the last is killed die too.
  assert.ok(report.kills >= KILLS, `only ${report.kills} kills`);
  for (const victim of ['mongodb', 'nats', 'studio']) {
    const isKilled = [...ledger.counts.keys()].some((what) => what.startsWith(`kills: ${victim}`));
    assert.ok(isKilled, `${victim} was not killed: ${counts}`);
  }
  assert.ok((ledger.counts.get('events watched whole') ?? 0) > 0, counts);
  assert.is(ledger.findingsCount, 0, `${ledger.findings.join('\n')}\n${report.logs.slice(-8_000)}`);
});

test.run();
