/** Tiptap with its collaboration extension on the stock Hocuspocus provider, as their documentation has it. */
import { HocuspocusProvider } from '@hocuspocus/provider';
import { Editor } from '@tiptap/core';
import { Collaboration } from '@tiptap/extension-collaboration';
import { StarterKit } from '@tiptap/starter-kit';
import * as Y from 'yjs';
import { mount, othersOf, place, stateOf } from './page.ts';

const { studio, blob, token } = place();
const doc = new Y.Doc();
const provider = new HocuspocusProvider({ url: `${studio}/hocuspocus`, name: blob, document: doc, token });
provider.setAwarenessField('user', { name: `user ${doc.clientID}` });

const editor = new Editor({
  element: mount(),
  extensions: [StarterKit.configure({ undoRedo: false }), Collaboration.configure({ document: doc })],
});
editor.commands.focus();

window.api = {
  synced: () => provider.isSynced && !provider.hasUnsyncedChanges,
  connected: () => provider.isSynced,
  text: () => editor.getText(),
  state: () => stateOf(doc),
  others: () => othersOf(provider.awareness),
};
