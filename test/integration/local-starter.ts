/** A process of its own that starts one part, says so in one line of JSON, and stays: `node … local-starter.ts PART DATA PARTS [hold]`. */
import type { PartName } from '../../src/local/contract.ts';
import { lockData } from '../../src/local/data-lock.ts';
import { LocalFailure } from '../../src/local/local-failure.ts';
import { startPart } from '../../src/local/parts.ts';

const [name, dataDir, partsDir, only] = process.argv.slice(2);
if (!name || !dataDir || !partsDir) throw new Error('local-starter: needs a part and two folders');
setInterval(() => {}, 60_000);
try {
  if (only === 'lock') {
    lockData(dataDir);
    say({ locked: true });
  } else {
    const onProgress = (line: string): void => say({ progress: line });
    const searchPath = process.env['PATH'] ?? '';
    const part = await startPart(name as PartName, { dataDir, partsDir, searchPath, onProgress });
    say({ pid: part.pid, port: part.port });
  }
} catch (error) {
  if (!(error instanceof LocalFailure)) throw error;
  say({ failure: error.message });
  process.exit(1);
}

function say(what: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
