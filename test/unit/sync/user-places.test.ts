import * as assert from 'uvu/assert';
import { UserPlaces } from '../../../src/transport/sync-streams/user-places.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('places that users share');

test('G7: one who takes many places loses their own, the least used first, and nobody else theirs', () => {
  const places = new UserPlaces<string>(4);
  const take = (userId: string, key: string): string | undefined => {
    const gone = places.givesWay();
    if (gone !== undefined) places.delete(gone.slice(0, 3), gone);
    places.add(userId, key, key);
    return gone;
  };
  assert.is(take('ann', 'ann-1'), undefined);
  for (const key of ['eve-1', 'eve-2', 'eve-3']) assert.is(take('eve', key), undefined);
  assert.is(places.find('eve', 'eve-1'), 'eve-1');
  assert.is(take('eve', 'eve-4'), 'eve-2');
  assert.is(take('bob', 'bob-1'), 'eve-3');
  assert.is(places.find('bob', 'ann-1'), undefined);
  assert.equal([...places], ['ann-1', 'eve-1', 'eve-4', 'bob-1']);
});

test.run();
