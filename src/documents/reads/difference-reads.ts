/** What leads from one version of a blob to another. */
import type * as Y from 'yjs';
import type { Caller } from '../../domain/access/caller.ts';
import { readBinaryReference } from '../../domain/content/binary-document.ts';
import type { JsonValue } from '../../domain/content/json-value.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import type { ContentDifference } from '../../domain/difference/content-difference.ts';
import { jsonPatchBetween } from '../../domain/difference/json-patch-between.ts';
import { markedHtml } from '../../domain/difference/marked-html.ts';
import { compareRich } from '../../domain/difference/rich-difference.ts';
import { readRichTree } from '../../domain/difference/rich-tree.ts';
import { textEditsBetween } from '../../domain/difference/text-edits.ts';
import type { DiffVersions, VersionDifference } from '../contract.ts';
import type { PastVersions } from './past-versions.ts';
import { type ReadableBlobs, requireVersion } from '../rooms/readable.ts';
import type { Room } from '../rooms/room.ts';

export class DifferenceReads {
  readonly #blobs: ReadableBlobs;
  readonly #past: PastVersions;

  constructor(options: { readonly blobs: ReadableBlobs; readonly past: PastVersions }) {
    this.#blobs = options.blobs;
    this.#past = options.past;
  }

  async diffVersions(caller: Caller, request: DiffVersions): Promise<VersionDifference> {
    return this.#blobs.with(caller, request.blobId, async (room) => {
      const { fromVersion, toVersion = room.state.version } = request;
      for (const version of [fromVersion, toVersion]) if (version !== 0) requireVersion(room, version);
      const difference: ContentDifference =
        fromVersion === toVersion ? { kind: 'none' } : await this.#between(room, fromVersion, toVersion);
      return { fromVersion, toVersion, difference };
    });
  }

  async #between(room: Room, from: number, to: number): Promise<ContentDifference> {
    switch (shapeOf(room.state.genesis.contentType)) {
      case 'text': {
        const edits = textEditsBetween(await this.#text(room, from, ''), await this.#text(room, to, ''));
        return edits.length === 0 ? { kind: 'none' } : { kind: 'text_edits', edits };
      }
      case 'json':
      case 'yjs': {
        const operations = jsonPatchBetween(await this.#json(room, from), await this.#json(room, to));
        return operations.length === 0 ? { kind: 'none' } : { kind: 'json_patch', patch: JSON.stringify(operations) };
      }
      case 'rich': {
        const compared = compareRich(await this.#of(room, from, readRichTree), await this.#of(room, to, readRichTree));
        return compared ? { kind: 'marked_html', html: markedHtml(compared) } : { kind: 'none' };
      }
      case 'binary': {
        const [before, { sha256 }] = [
          await this.#of(room, from, readBinaryReference),
          await this.#of(room, to, readBinaryReference),
        ];
        return before.sha256 === sha256 ? { kind: 'none' } : { kind: 'replaced_by', sha256 };
      }
    }
  }

  async #of<T>(room: Room, version: number, read: (doc: Y.Doc) => T): Promise<T> {
    return this.#past.withDocument(room, version, read);
  }

  async #json(room: Room, version: number): Promise<JsonValue> {
    return JSON.parse(await this.#text(room, version, 'null')) as JsonValue;
  }

  async #text(room: Room, version: number, nothing: string): Promise<string> {
    if (version === 0) return nothing;
    const { content } = await this.#past.contentAt(room, version);
    return Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('utf8');
  }
}
