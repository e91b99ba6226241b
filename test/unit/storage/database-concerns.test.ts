import { MongoClient } from 'mongodb';
import * as assert from 'uvu/assert';
import { Database } from '../../../src/storage/database.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('what a database URL may not change');

test('G1, G8: writes are journaled by a majority, reads ask the primary, whatever the URL says', () => {
  const urls = [
    'mongodb://db/',
    'mongodb://db/?w=1&journal=false&wtimeoutMS=1&readConcernLevel=local',
    'mongodb://db/?readPreference=secondaryPreferred&maxStalenessSeconds=120&readPreferenceTags=dc:far',
  ];
  for (const url of urls) {
    const { db, commits } = new Database(new MongoClient(url), 'studio');
    for (const { writeConcern, readConcern, readPreference } of [db, commits]) {
      const { w, journal, wtimeoutMS } = writeConcern ?? {};
      assert.equal({ w, journal, wtimeoutMS }, { w: 'majority', journal: true, wtimeoutMS: undefined }, url);
      assert.equal([readConcern?.level, readPreference?.toJSON()], ['majority', { mode: 'primary' }], url);
    }
  }
});

test.run();
