/** The two doors for editors, over one hub: whoever is in a document sees everyone in it, whichever door they took. */
import { HocuspocusUpgrade } from './hocuspocus/hocuspocus-upgrade.ts';
import { EditorHub, type EditorHubOptions } from './sync/editor-hub.ts';
import { SyncUpgrade } from './sync/sync-upgrade.ts';
import type { UpgradeRoute } from './port/upgrades.ts';

export interface EditorDoors {
  readonly routes: readonly UpgradeRoute[];
  /** For the doors beside these. */
  readonly hub: EditorHub;
  /** Ends every editor once what it handed in is durable. */
  drain(): Promise<void>;
}

export function createEditorDoors(options: EditorHubOptions): EditorDoors {
  const hub = new EditorHub(options);
  return {
    routes: [new SyncUpgrade(hub), new HocuspocusUpgrade(hub)],
    hub,
    drain: () => hub.drain(),
  };
}
