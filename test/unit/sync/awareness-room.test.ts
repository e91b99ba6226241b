import * as assert from 'uvu/assert';
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness';
import * as Y from 'yjs';
import {
  AWARENESS_BYTES_MAX,
  AWARENESS_CLIENTS_PER_CONNECTION_MAX,
  AWARENESS_REMOTE_AGE_MS_MAX,
} from '../../../src/limits.ts';
import { StudioError } from '../../../src/errors.ts';
import { AwarenessRoom, type AwarenessMember } from '../../../src/transport/sync/awareness-room.ts';
import {
  GONE,
  readAwarenessUpdate,
  readRelayedUpdate,
  writeAwarenessUpdate,
  writeRelayedUpdates,
  type AwarenessEntry,
} from '../../../src/transport/sync/awareness-update.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('awareness room');
const open: Awareness[] = [];
test.after(() => open.forEach((awareness) => awareness.destroy()));

/** y-protocols' own Awareness, wired to the room as the stock provider wires it: it echoes all it learns. */
class Editor implements AwarenessMember {
  readonly userId: string;
  readonly awareness: Awareness;
  readonly #room: AwarenessRoom;

  constructor(room: AwarenessRoom, userId: string, awareness = newAwareness()) {
    this.userId = userId;
    this.awareness = awareness;
    this.#room = room;
    room.join(this);
    awareness.on('update', this.#onUpdate);
    this.#say([awareness.clientID]);
  }

  sendAwareness(update: Uint8Array): void {
    applyAwarenessUpdate(this.awareness, update, 'room');
  }

  sendDeparted(update: Uint8Array): void {
    this.sendAwareness(update);
  }

  sees(other: Editor): unknown {
    return this.awareness.getStates().get(other.awareness.clientID);
  }

  leave(): void {
    this.awareness.off('update', this.#onUpdate);
    this.#room.leave(this);
    this.#room.flush();
  }

  #onUpdate = ({ added, updated, removed }: Record<'added' | 'updated' | 'removed', number[]>): void => {
    this.#say([...added, ...updated, ...removed]);
  };

  #say(clients: number[]): void {
    this.#room.takeFrom(this, readAwarenessUpdate(encodeAwarenessUpdate(this.awareness, clients)), performance.now());
    if (this.#room.hasNews) this.#room.flush();
  }
}

function newAwareness(): Awareness {
  const awareness = new Awareness(new Y.Doc());
  awareness.setLocalState({ at: 0 });
  open.push(awareness);
  return awareness;
}

const sendDeparted = (): void => {};

function limitOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return error instanceof StudioError ? error.metadata['limit'] : String(error);
  }
  return undefined;
}

test('states travel, to those who join later too, and go with their connection', () => {
  const room = new AwarenessRoom();
  const ada = new Editor(room, 'ada');
  const bob = new Editor(room, 'bob');
  assert.equal(bob.sees(ada), { at: 0 });
  assert.equal(ada.sees(bob), { at: 0 });
  ada.awareness.setLocalState({ at: 7 });
  assert.equal(bob.sees(ada), { at: 7 });
  ada.leave();
  assert.is(bob.sees(ada), undefined);
  assert.is(room.size, 1);
});

test('an editor that comes back with its old clock is seen again at once', () => {
  const room = new AwarenessRoom();
  const ada = new Editor(room, 'ada');
  const bob = new Editor(room, 'bob');
  ada.leave();
  assert.is(bob.sees(ada), undefined);
  const again = new Editor(room, 'ada', ada.awareness);
  assert.equal(bob.sees(again), { at: 0 });
});

test('one that comes back with its old clock to a process that knows nothing of it is seen at once by the others', () => {
  const rooms = [new AwarenessRoom(), new AwarenessRoom(), new AwarenessRoom()];
  const [here, there, fresh] = rooms as [AwarenessRoom, AwarenessRoom, AwarenessRoom];
  /** As processes pass on what they say, until they have nothing more to say. */
  const relay = (from: AwarenessRoom, entries: readonly AwarenessEntry[]): void => {
    for (const room of rooms) {
      if (room === from || entries.length === 0) continue;
      relay(room, [...room.takeRemote(entries, performance.now()), ...room.flush()]);
    }
  };
  const ada = new Editor(here, 'ada');
  const bob = new Editor(there, 'bob');
  relay(here, here.entries(true));
  ada.leave();
  relay(here, here.entriesOf([ada.awareness.clientID]));
  assert.is(bob.sees(ada), undefined);
  const again = new Editor(fresh, 'ada', ada.awareness);
  relay(fresh, fresh.entries(true));
  relay(fresh, fresh.entries(true));
  assert.equal(bob.sees(again), { at: 0 });
});

test('nobody takes another away, nor speaks for another; the same user may take over', () => {
  const room = new AwarenessRoom();
  const ada = new Editor(room, 'ada');
  const bob = new Editor(room, 'bob');
  const eve = new Editor(room, 'eve');
  removeAwarenessStates(eve.awareness, [ada.awareness.clientID], 'timeout');
  assert.equal(bob.sees(ada), { at: 0 });
  const id = ada.awareness.clientID;
  room.takeFrom(eve, [{ clientId: id, clock: 50, state: '{"at":666}' }], performance.now());
  room.flush();
  assert.equal(bob.sees(ada), { at: 0 });
  const tab = new Editor(room, 'ada');
  room.takeFrom(tab, [{ clientId: id, clock: 50, state: '{"at":9}' }], performance.now());
  room.flush();
  assert.equal(bob.sees(ada), { at: 9 });
});

test('G8: nobody else brings one back that left, here or at another process, whatever the clock; it itself returns', () => {
  const [here, there] = [new AwarenessRoom(), new AwarenessRoom()];
  const relay = (entries: readonly AwarenessEntry[]): void => {
    for (const update of writeRelayedUpdates(entries, 100))
      there.takeRemote(readRelayedUpdate(update), performance.now());
    there.flush();
  };
  const ada = new Editor(here, 'ada');
  const [bob, eve] = [new Editor(there, 'bob'), new Editor(there, 'eve')];
  relay(here.entries(true));
  const claim = [{ clientId: ada.awareness.clientID, clock: 50, state: '{"at":666}' }];
  there.takeFrom(eve, claim, performance.now());
  there.flush();
  assert.equal(bob.sees(ada), { at: 0 });
  ada.leave();
  relay(here.entriesOf([ada.awareness.clientID]));
  assert.is(bob.sees(ada), undefined);
  for (const room of [here, there]) {
    room.takeFrom(eve, claim, performance.now());
    room.flush();
  }
  assert.is(bob.sees(ada), undefined);
  const again = new Editor(here, 'ada', ada.awareness);
  relay(here.entries(true));
  assert.equal(bob.sees(again), { at: 0 });
});

test('processes of an earlier version read what is relayed; what they relay says of nobody who it is', () => {
  const entries = [
    { clientId: 1, clock: 2, state: '{}', userId: 'ada' },
    { clientId: 3, clock: 4, state: GONE },
  ];
  const [update = Uint8Array.of(0)] = writeRelayedUpdates(entries, 1_000);
  const unnamed = entries.map(({ clientId, clock, state }) => ({ clientId, clock, state }));
  assert.equal(readRelayedUpdate(update), entries);
  assert.equal(readAwarenessUpdate(update), unnamed);
  const before = readRelayedUpdate(writeAwarenessUpdate(entries));
  assert.equal(before, unnamed);
  const room = new AwarenessRoom();
  const bob = new Editor(room, 'bob');
  room.takeRemote(before, performance.now());
  room.takeFrom(bob, [{ clientId: 1, clock: 3, state: '{"at":1}' }], performance.now());
  assert.is(room.entriesOf([1])[0]?.state, '{"at":1}');
});

test('an echo of one that left does not bring it back', () => {
  const room = new AwarenessRoom();
  const ada = new Editor(room, 'ada');
  const bob = new Editor(room, 'bob');
  const last = encodeAwarenessUpdate(ada.awareness, [ada.awareness.clientID]);
  ada.leave();
  room.takeFrom(bob, readAwarenessUpdate(last), performance.now());
  room.flush();
  assert.is(bob.sees(ada), undefined);
  const carl = new Editor(room, 'carl');
  assert.is(carl.sees(ada), undefined);
});

test('G7: a connection speaks for a bounded number of clients and bytes; what is beyond is left out', () => {
  const room = new AwarenessRoom();
  const ada = new Editor(room, 'ada');
  const state = JSON.stringify('x'.repeat(AWARENESS_BYTES_MAX));
  const tabs = Array.from({ length: AWARENESS_CLIENTS_PER_CONNECTION_MAX + 1 }, () => new Editor(room, 'ada'));
  const brought = tabs.map(({ awareness }) => ({ clientId: awareness.clientID, clock: 9, state: '{"by":"ada"}' }));
  room.takeFrom(ada, [{ clientId: 1, clock: 1, state }, ...brought], performance.now());
  const spokenFor = room.entries().filter((entry) => entry.state.includes('by'));
  assert.is(spokenFor.length, AWARENESS_CLIENTS_PER_CONNECTION_MAX - 1, 'and for itself');
  assert.is(room.entries().length, 1 + tabs.length, 'those left out speak for themselves');
  const bob: AwarenessMember = { userId: 'bob', sendAwareness: () => {}, sendDeparted };
  const tooLarge = limitOf(() => room.takeFrom(bob, [{ clientId: 1, clock: 1, state }], performance.now()));
  assert.is(tooLarge, 'AWARENESS_BYTES_MAX', 'its own alone is refused');
});

test('two processes: states cross, removals cross, those of a dead process age out', () => {
  const [here, there] = [new AwarenessRoom(), new AwarenessRoom()];
  const ada = new Editor(here, 'ada');
  const bob = new Editor(there, 'bob');
  there.takeRemote(here.entries(true), 1_000);
  there.flush();
  assert.equal(bob.sees(ada), { at: 0 });
  assert.equal(there.entries(true).length, 1, 'only its own are answered');
  there.expireRemote(1_000 + AWARENESS_REMOTE_AGE_MS_MAX);
  there.flush();
  assert.equal(bob.sees(ada), { at: 0 });
  there.expireRemote(1_001 + AWARENESS_REMOTE_AGE_MS_MAX);
  there.flush();
  assert.is(bob.sees(ada), undefined);
});

test('what is no awareness update, or holds no JSON, is refused', () => {
  const isRefusal = (error: unknown): boolean => error instanceof StudioError && error.reason === 'UPDATE_MALFORMED';
  for (const update of [Uint8Array.of(3, 1), Uint8Array.of(1, 1, 1, 200)])
    assert.throws(() => readAwarenessUpdate(update), isRefusal);
  const room = new AwarenessRoom();
  const ada = new Editor(room, 'ada');
  const entries = [
    { clientId: 1, clock: 1, state: '{}' },
    { clientId: 2, clock: 1, state: '{' },
  ];
  assert.throws(() => room.takeFrom(ada, entries, performance.now()), isRefusal);
  assert.equal(room.entries().length, 1, 'nothing of it was taken');
});

test('what changes between two flushes is encoded once, the newest state of each client only', () => {
  const room = new AwarenessRoom();
  const told: Uint8Array[] = [];
  const listener: AwarenessMember = { userId: 'eve', sendAwareness: (update) => void told.push(update), sendDeparted };
  const ada: AwarenessMember = { userId: 'ada', sendAwareness: () => {}, sendDeparted };
  const bob: AwarenessMember = { userId: 'bob', sendAwareness: (update) => void told.push(update), sendDeparted };
  for (const member of [listener, ada, bob]) room.join(member);
  room.flush();
  for (let clock = 1; clock <= 50; clock += 1) {
    room.takeFrom(ada, [{ clientId: 1, clock, state: `{"at":${clock}}` }], performance.now());
    room.takeFrom(bob, [{ clientId: 2, clock, state: `{"at":${clock}}` }], performance.now());
  }
  assert.is(told.length, 0);
  room.flush();
  assert.is(told.length, 2);
  assert.ok(told[0] === told[1], 'one encoding for all');
  assert.equal(
    readAwarenessUpdate(told[0] ?? Uint8Array.of(0)).map(({ clock }) => clock),
    [50, 50],
  );
  assert.ok(room.isEcho(Uint8Array.from(told[0] ?? [])));
});

test.run();
