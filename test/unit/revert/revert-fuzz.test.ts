import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { Guard } from '../../../src/domain/guard/guard.ts';
import { seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';
import { FUZZED_TYPES } from '../guard/editors.ts';
import { contentOf, documentOf, randomHistory, revertTo } from './histories.ts';

const test = suite('revert, at random');
const ROUNDS = 150;

for (const type of FUZZED_TYPES) {
  test(
    `G3: a revert of a ${type.shape} history to any version is exact, in every document, and can be reverted`,
    seeded((random) => {
      for (let round = 0; round < ROUNDS; round++) {
        const history = randomHistory(type, random, 40);
        const versions: string[] = [];
        // Reverts of reverts too.
        for (let again = 0; again < 4; again++) {
          for (let version = versions.length; version <= history.log.length; version++) {
            versions.push(contentOf(history, documentOf(history, history.log.slice(0, version))));
          }
          const version = random.int(0, history.log.length + 1);
          const update = revertTo(history, version, 500 + again);
          const where = `round ${round}, revert ${again} to ${version} of ${history.log.length}`;
          if (!update) {
            assert.is(versions.at(-1), versions[version], where);
            continue;
          }
          const live = documentOf(history, history.log, true);
          const guard = new Guard({ doc: live, shape: type.shape, owners: new Map() });
          guard.acceptAuthored(update);
          Y.applyUpdate(live, update);
          assert.is(contentOf(history, live), versions[version], where);
          assert.is(live.store.pendingStructs, null);
          assert.is(live.store.pendingDs, null);
          history.log.push(update);
          assert.is(contentOf(history, documentOf(history, history.log)), versions[version], `${where}, from the log`);
        }
      }
    }),
  );
}

test.run();
