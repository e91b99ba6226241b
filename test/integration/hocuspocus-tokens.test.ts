/** Tokens of Hocuspocus's protocol that are verified late, or are not there. */
import * as assert from 'uvu/assert';
import { StudioError } from '../../src/errors.ts';
import { TOKEN_CLOCK_TOLERANCE_SECONDS } from '../../src/limits.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { DoorWorld } from './door-world.ts';
import { BareDocument } from './hocuspocus-messages.ts';
import { HocuspocusWorld } from './hocuspocus-world.ts';
import { SyncWorld } from './sync-world.ts';
import type { Authenticator } from '../../src/transport/auth/authentication.ts';

const test = suite('hocuspocus tokens');
const world = new SyncWorld();
const rich = new HocuspocusWorld();
let inside: DoorWorld;

test.before(async () => {
  inside = await DoorWorld.start();
});
test.after(() => inside.stop());
test.after(() => rich.close());
test.after(() => world.close());

const BAD = 'bad';

/** The verification of BAD ends, in vain, when it is told to. */
function slow(authenticator: Authenticator): { authenticator: Authenticator; began: () => number; fail: () => void } {
  let fail = (): void => {};
  let began = 0;
  const failed = new Promise<void>((resolve) => (fail = resolve));
  return {
    authenticator: {
      authenticate: (header) => authenticator.authenticate(header),
      authenticateToken: async (token) => {
        if (token !== BAD) return authenticator.authenticateToken(token);
        began += 1;
        await failed;
        throw new StudioError('TOKEN_INVALID', 'It is bad.');
      },
    },
    began: () => began,
    fail: () => fail(),
  };
}

for (const [when, first] of [
  ['it opened with', false],
  ['it was to be renewed by', true],
] as const) {
  test(`a document that is closed and begun anew is not denied for the token ${when} before`, async () => {
    const { authenticator, began, fail } = slow(inside.authenticator);
    const doors = await inside.doorsWith({}, { authenticator });
    const [id, good] = [await inside.newText('ada', 'here'), await inside.token()];
    const document = new BareDocument(await world.openSocket(doors, '/hocuspocus'), id);
    if (first) {
      document.send(document.token(good));
      await eventually('it is open', () => document.granted.length === 1);
    }
    document.send(document.token(BAD));
    await eventually('it is being verified', () => began() === 1);
    document.send(document.close(), document.token(good));
    await eventually('it is open anew', () => document.granted.length === (first ? 2 : 1));
    fail();
    // Once to have what the failure led to behind it, and once to see that it goes on.
    for (let round = 1; round <= 2; round += 1) {
      document.send(document.step1());
      await eventually('it goes on', () => document.states.length === round);
    }
    assert.equal([document.denied, document.ended], [[], []]);
  });
}

test('G7: a document that is named and left over and over is not opened without bound', async () => {
  const { authenticator, began, fail } = slow(inside.authenticator);
  const doors = await inside.doorsWith({ documentsPerSocket: 3 }, { authenticator });
  const document = new BareDocument(await world.openSocket(doors, '/hocuspocus'), await inside.newText());
  for (let n = 0; n < 100; n += 1) document.send(document.token(BAD), document.close());
  await eventually('it is told', () => document.denied.some((reason) => reason.startsWith('LIMIT_EXCEEDED')));
  assert.is(began(), 6);
  fail();
  await eventually('it is opened once those are over', async () => {
    document.send(document.token(await inside.token()));
    await eventually('it is open', () => document.granted.length > 0, 300);
    return true;
  });
});

test('G8: a client that has no token of its own keeps that of the URL to its end, though it is asked for another', async () => {
  const doors = await inside.doorsWith({});
  const ending = await inside.token('ada', { ttlSeconds: 3 - TOKEN_CLOCK_TOLERANCE_SECONDS });
  const socket = rich.socket(doors.socketAddress, `?token=${ending}`);
  const editor = await rich.openSynced(socket, await inside.newText());
  await eventually('it ends', () => editor.ended.length > 0);
  assert.match(editor.denied[0] ?? '', /^TOKEN_EXPIRED/);
});

test.run();
