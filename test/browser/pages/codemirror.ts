/** CodeMirror with y-codemirror.next on the stock y-websocket provider, as their documentation has it. */
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { yCollab } from 'y-codemirror.next';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { mount, othersOf, place, stateOf } from './page.ts';

const { studio, blob, token } = place();
const doc = new Y.Doc();
const provider = new WebsocketProvider(`${studio}/sync`, blob, doc, { params: { token } });
provider.awareness.setLocalStateField('user', { name: `user ${doc.clientID}` });
const text = doc.getText('content');

const view = new EditorView({
  state: EditorState.create({ doc: text.toJSON(), extensions: [yCollab(text, provider.awareness)] }),
  parent: mount(),
});
view.focus();

window.api = {
  synced: () => provider.synced,
  connected: () => provider.wsconnected,
  text: () => view.state.doc.toString(),
  state: () => stateOf(doc),
  others: () => othersOf(provider.awareness),
};
