/** In a process of its own: a bare document made of a snapshot (TRACE_SNAPSHOT, a file), for the first time. */
import { readFileSync } from 'node:fs';
import * as Y from 'yjs';

const snapshot = readFileSync(process.env['TRACE_SNAPSHOT'] ?? '');
const small = new Y.Doc();
small.getText('content').insert(0, 'Loaded, as the studio is by then.');
const doc = new Y.Doc();
Y.applyUpdate(new Y.Doc(), Y.encodeStateAsUpdate(small));
const started = performance.now();
Y.applyUpdate(doc, snapshot);
process.send?.(performance.now() - started);
process.disconnect();
