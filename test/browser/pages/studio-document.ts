/** CodeMirror on the project's own client, over Connect-Web. */
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { yCollab } from 'y-codemirror.next';
import * as Y from 'yjs';
import { createStudioTransport, StudioDocument, subscribing } from '../../../clients/web/src/index.ts';
import { mount, othersOf, place, stateOf } from './page.ts';

const { studio, blob, token } = place();
const doc = new Y.Doc();
const transport = createStudioTransport({ baseUrl: studio, token });
const live = new StudioDocument({ blobId: blob, doc, link: subscribing(transport) });
live.awareness?.setLocalStateField('user', { name: `user ${doc.clientID}` });
const text = doc.getText('content');

const view = new EditorView({
  state: EditorState.create({ doc: text.toJSON(), extensions: [yCollab(text, live.awareness)] }),
  parent: mount(),
});
view.focus();
live.on('change', ({ status, saved, problem }) => {
  document.title = `${status} ${saved ? 'saved' : 'unsaved'} ${problem?.reason || (problem?.message ?? '')}`;
});

window.api = {
  synced: () => live.state.synced && live.state.saved,
  connected: () => live.state.status === 'connected',
  text: () => view.state.doc.toString(),
  state: () => stateOf(doc),
  others: () => othersOf(live.awareness),
};
