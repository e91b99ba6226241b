/** The document engine: what callers may do to blobs, and where each of it is done. */
import type { AccessControl } from '../access/contract.ts';
import type { Caller } from '../domain/access/caller.ts';
import type { BlobHeads } from '../storage/blobs.ts';
import type { Contents } from '../storage/contents.ts';
import type { AttributionReads } from './reads/attribution-reads.ts';
import { BlobCreation } from './writes/blob-creation.ts';
import type { BlobViews } from './reads/blob-view.ts';
import { BlobWrites } from './writes/blob-writes.ts';
import type { Documents, LiveDocument, LiveSession } from './contract.ts';
import { tellingFailures } from '../storage/database-failures.ts';
import { streamDeltas } from './writes/delta-stream.ts';
import { DeltaWrites } from './writes/delta-writes.ts';
import type { DifferenceReads } from './reads/difference-reads.ts';
import type { HeadWriter } from './commits/head-writer.ts';
import { openLiveDocument } from './rooms/live-document.ts';
import { hidingQuarantine, type HideQuarantine } from './log/quarantine.ts';
import type { Reads } from './reads/reads.ts';
import type { Rooms } from './rooms/rooms.ts';
import { Submissions } from './writes/submissions.ts';
import { Transforms } from './writes/transforms.ts';
import type { VersionNames } from './reads/version-names.ts';
import type { VersionReads } from './reads/version-reads.ts';

export class DocumentEngine implements Documents {
  readonly #rooms: Rooms;
  readonly #heads: BlobHeads;
  readonly #hide: HideQuarantine;
  readonly createBlob: Documents['createBlob'];
  readonly updateBlob: Documents['updateBlob'];
  readonly deleteBlob: Documents['deleteBlob'];
  readonly undeleteBlob: Documents['undeleteBlob'];
  readonly revertBlob: Documents['revertBlob'];
  readonly applyDelta: Documents['applyDelta'];
  readonly applyDeltas: Documents['applyDeltas'];
  readonly batchApplyDeltas: Documents['batchApplyDeltas'];
  readonly commitTransform: Documents['commitTransform'];
  readonly getBlob: Documents['getBlob'];
  readonly listBlobs: Documents['listBlobs'];
  readonly listVersions: Documents['listVersions'];
  readonly getVersion: Documents['getVersion'];
  readonly diffVersions: Documents['diffVersions'];
  readonly getAttribution: Documents['getAttribution'];
  readonly nameVersion: Documents['nameVersion'];
  readonly unnameVersion: Documents['unnameVersion'];
  readonly listNamedVersions: Documents['listNamedVersions'];
  readonly getDelta: Documents['getDelta'];
  readonly findDelta: Documents['findDelta'];
  readonly listDeltas: Documents['listDeltas'];
  readonly getDag: Documents['getDag'];
  readonly listChildren: Documents['listChildren'];

  constructor(options: {
    readonly rooms: Rooms;
    readonly views: BlobViews;
    readonly heads: BlobHeads;
    readonly headWriter: HeadWriter;
    readonly contents: Contents;
    readonly reads: Reads;
    readonly access: AccessControl;
    readonly versions: VersionReads;
    readonly differences: DifferenceReads;
    readonly attributions: AttributionReads;
    readonly names: VersionNames;
  }) {
    this.#rooms = options.rooms;
    this.#heads = options.heads;
    const hiding = hidingQuarantine(options.access);
    const hide: HideQuarantine = (call) => tellingFailures(hiding(call));
    this.#hide = hide;
    const submissions = new Submissions(options);
    const creation = new BlobCreation({ ...options, submissions });
    const blobs = new BlobWrites({ ...options, submissions, creation });
    this.createBlob = hide(blobs.createBlob.bind(blobs));
    this.updateBlob = hide(blobs.updateBlob.bind(blobs));
    this.deleteBlob = hide(blobs.deleteBlob.bind(blobs));
    this.undeleteBlob = hide(blobs.undeleteBlob.bind(blobs));
    const deltas = new DeltaWrites({ ...options, submissions });
    this.revertBlob = hide(deltas.revertBlob.bind(deltas));
    this.applyDelta = hide(deltas.applyDelta.bind(deltas));
    this.applyDeltas = (caller, requests) => streamDeltas(deltas, caller, requests);
    this.batchApplyDeltas = hide(deltas.batchApplyDeltas.bind(deltas));
    const transforms = new Transforms({ ...options, submissions, creation });
    this.commitTransform = tellingFailures(transforms.commitTransform.bind(transforms));
    const { reads, versions, differences, attributions, names } = options;
    this.getBlob = hide(reads.getBlob.bind(reads));
    this.listBlobs = hide(reads.listBlobs.bind(reads));
    this.listVersions = hide(versions.listVersions.bind(versions));
    this.getVersion = hide(versions.getVersion.bind(versions));
    this.diffVersions = hide(differences.diffVersions.bind(differences));
    this.getAttribution = hide(attributions.getAttribution.bind(attributions));
    this.nameVersion = hide(names.nameVersion.bind(names));
    this.unnameVersion = hide(names.unnameVersion.bind(names));
    this.listNamedVersions = hide(names.listNamedVersions.bind(names));
    this.getDelta = hide(reads.getDelta.bind(reads));
    this.findDelta = hide(reads.findDelta.bind(reads));
    this.listDeltas = hide(reads.listDeltas.bind(reads));
    this.getDag = hide(reads.getDag.bind(reads));
    this.listChildren = hide(reads.listChildren.bind(reads));
  }

  open(caller: Caller, blobId: string, session: LiveSession): Promise<LiveDocument> {
    return this.#hide(() => openLiveDocument(this.#rooms, caller, blobId, session))(caller);
  }

  /** Brings the stored head up to the log, whoever left it behind. */
  async healHead(blobId: string): Promise<void> {
    await this.#rooms.with(blobId, async (room) => {
      await room.refresh();
      if (room.state.version > 0) await this.#heads.advance([room.state.head()]);
    });
  }
}
