import * as assert from 'uvu/assert';
import { AccessList, type Grant } from '../../../src/domain/access/access-list.ts';
import { authorize, blobNotFound, type Action } from '../../../src/domain/access/access.ts';
import { BlobAccess } from '../../../src/domain/access/blob-access.ts';
import type { Role } from '../../../src/domain/access/role.ts';
import { StudioError } from '../../../src/errors.ts';
import { GRANTS_PER_BLOB_MAX } from '../../../src/limits.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('authorizer');
const ROLES: readonly (Role | undefined)[] = ['owner', 'editor', 'viewer', undefined];

function grant(userId: string, role: Role): Grant {
  return { userId, role, grantedBy: 'ada', grantedAt: new Date(0) };
}

function listOf(roles: Readonly<Record<string, Role | undefined>>): AccessList {
  return new AccessList(
    1,
    Object.entries(roles).flatMap(([userId, role]) => (role ? [grant(userId, role)] : [])),
  );
}

function outcome(access: BlobAccess, userId: string, action: Action): string {
  try {
    authorize({ userId }, action, access);
    return 'allowed';
  } catch (error) {
    return StudioError.from(error).reason;
  }
}

test('G8: every role may do what it says, and nothing beyond', () => {
  const access = new BlobAccess('b', listOf({ ada: 'owner', ed: 'editor', vi: 'viewer' }), []);
  const denied = 'ACCESS_DENIED';
  const matrix: Readonly<Record<Action, readonly string[]>> = {
    read: ['allowed', 'allowed', 'allowed'],
    list_access: ['allowed', 'allowed', 'allowed'],
    write: ['allowed', 'allowed', denied],
    delete: ['allowed', denied, denied],
    undelete: ['allowed', denied, denied],
    share: ['allowed', denied, denied],
  };
  for (const [action, expected] of Object.entries(matrix) as [Action, readonly string[]][]) {
    assert.equal(
      ['ada', 'ed', 'vi'].map((userId) => outcome(access, userId, action)),
      expected,
      action,
    );
    assert.is(outcome(access, 'eve', action), 'BLOB_NOT_FOUND');
  }
});

test('G8: to a stranger a blob looks as one that does not exist, to the letter', () => {
  const access = new BlobAccess('b', listOf({ ada: 'owner' }), []);
  const missing = blobNotFound('b');
  let told: unknown;
  try {
    authorize({ userId: 'eve' }, 'read', access);
  } catch (error) {
    told = error;
  }
  assert.instance(told, StudioError);
  const { reason, message, metadata } = told as StudioError;
  assert.equal(
    { reason, message, metadata },
    { reason: missing.reason, message: missing.message, metadata: missing.metadata },
  );
});

test('G8: what a provider made is for those who may read all it was made from, whatever was granted on it', () => {
  for (const first of ROLES) {
    for (const second of ROLES) {
      for (const own of ROLES) {
        const access = new BlobAccess('d', listOf({ u: own }), [listOf({ u: first }), listOf({ u: second })]);
        const role = access.roleOf('u');
        if (!first || !second) {
          assert.is(role, undefined);
          continue;
        }
        const rank = (one: Role | undefined): number => ['viewer', 'editor', 'owner'].indexOf(String(one));
        assert.is(rank(role), Math.max(Math.min(rank(first), rank(second)), rank(own)), `${first} ${second} ${own}`);
      }
    }
  }
});

test('who may read a derived blob is listed with the roles they have in the end', () => {
  const sources = [listOf({ ada: 'owner', ed: 'editor', vi: 'viewer' }), listOf({ ada: 'owner', vi: 'owner' })];
  const access = new BlobAccess('d', listOf({ ada: 'owner', ed: 'owner', eve: 'owner' }), sources);
  assert.equal(
    access.grants().map(({ userId, role }) => [userId, role]),
    [
      ['ada', 'owner'],
      ['vi', 'viewer'],
    ],
  );
});

test('G8: the last owner stays, however they are asked to go', () => {
  const alone = AccessList.ofCreator('ada', new Date(0));
  const refusals = [
    () => alone.revoking('b', 'ada'),
    () => alone.granting('b', grant('ada', 'viewer')),
    () => alone.granting('b', grant('ed', 'editor')).revoking('b', 'ada'),
  ];
  for (const refused of refusals) {
    try {
      refused();
      assert.unreachable('it was allowed');
    } catch (error) {
      assert.is(StudioError.from(error).reason, 'LAST_OWNER');
    }
  }
  const handedOver = alone.granting('b', grant('bob', 'owner')).revoking('b', 'ada');
  assert.equal([handedOver.roleOf('ada'), handedOver.roleOf('bob'), handedOver.version], [undefined, 'owner', 2]);
});

test('a repeat changes nothing; a change of role replaces; each change has its number', () => {
  const list = AccessList.ofCreator('ada', new Date(0)).granting('b', grant('bob', 'viewer'));
  assert.is(list.granting('b', { ...grant('bob', 'viewer'), grantedBy: 'other' }), list);
  assert.is(list.revoking('b', 'nobody'), list);
  const raised = list.granting('b', grant('bob', 'editor'));
  assert.equal([raised.version, raised.grants.length, raised.roleOf('bob')], [2, 2, 'editor']);
});

test('G7: a blob is shared with a bounded number of users; those who are in may still change', () => {
  let list = AccessList.ofCreator('ada', new Date(0));
  for (let n = 1; n < GRANTS_PER_BLOB_MAX; n += 1) list = list.granting('b', grant(`user-${n}`, 'viewer'));
  try {
    list.granting('b', grant('one more', 'viewer'));
    assert.unreachable('it was allowed');
  } catch (error) {
    const { reason, metadata } = StudioError.from(error);
    assert.equal([reason, metadata['limit']], ['LIMIT_EXCEEDED', 'GRANTS_PER_BLOB_MAX']);
  }
  assert.is(list.granting('b', grant('user-1', 'editor')).roleOf('user-1'), 'editor');
});

test.run();
