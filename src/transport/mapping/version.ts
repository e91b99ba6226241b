import { create } from '@bufbuild/protobuf';
import { StudioError } from '../../errors.ts';
import { VersionGroupSchema } from '../../gen/memmie/studio/v1/blob_pb.ts';
import { ContentDiffSchema } from '../../gen/memmie/studio/v1/diff_pb.ts';
import { OffsetEncoding, TextEditsSchema } from '../../gen/memmie/studio/v1/delta_pb.ts';
import { NamedVersionSchema } from '../../gen/memmie/studio/v1/named_version_pb.ts';
import { numberOf } from './number.ts';
import { operationOf } from './operation.ts';
import { dateAtOrBefore, timestampOf } from './time.ts';
import type { NamedVersion, VersionPoint } from '../../documents/contract.ts';
import type { ContentDifference } from '../../domain/difference/content-difference.ts';
import type { VersionGroup } from '../../domain/version-groups.ts';
import type { VersionGroup as VersionGroupMessage } from '../../gen/memmie/studio/v1/blob_pb.ts';
import type { GetVersionRequest } from '../../gen/memmie/studio/v1/blob_service_pb.ts';
import type { ContentDiff } from '../../gen/memmie/studio/v1/diff_pb.ts';
import type { NamedVersion as NamedVersionMessage } from '../../gen/memmie/studio/v1/named_version_pb.ts';

export function versionGroupMessage(group: VersionGroup): VersionGroupMessage {
  const [last] = group.authors;
  const operations = group.operations.map(operationOf);
  return create(VersionGroupSchema, {
    version: BigInt(group.version),
    firstVersion: BigInt(group.firstVersion),
    userId: last?.userId,
    providerId: last?.providerId,
    operation: operations[0],
    deltaCount: BigInt(group.deltaCount),
    startedAt: timestampOf(group.startedAt),
    endedAt: timestampOf(group.endedAt),
    authors: group.authors.map((author) => ({
      userId: author.userId,
      providerId: author.providerId,
      deltaCount: BigInt(author.deltaCount),
      lastVersion: BigInt(author.lastVersion),
    })),
    operations,
    name: group.name,
  });
}

export function versionPointOf({ point }: GetVersionRequest): VersionPoint {
  switch (point.case) {
    case 'version':
      return { by: 'version', version: numberOf(point.value, 'version') };
    case 'at':
      return { by: 'moment', at: dateAtOrBefore(point.value, 'at') };
    case 'name':
      return { by: 'name', name: point.value };
    case undefined:
    default:
      throw new StudioError('FIELD_INVALID', 'The request must say which version.', {
        field: 'point',
        rule: 'required',
      });
  }
}

export function contentDiffMessage(difference: ContentDifference): ContentDiff {
  switch (difference.kind) {
    case 'text_edits': {
      const value = create(TextEditsSchema, {
        edits: difference.edits.map((edit) => ({ ...edit })),
        encoding: OffsetEncoding.CODE_POINTS,
      });
      return create(ContentDiffSchema, { change: { case: 'textEdits', value } });
    }
    case 'json_patch':
      return create(ContentDiffSchema, { change: { case: 'jsonPatch', value: difference.patch } });
    case 'marked_html':
      return create(ContentDiffSchema, { change: { case: 'markedHtml', value: difference.html } });
    case 'replaced_by':
      return create(ContentDiffSchema, { change: { case: 'replacedBy', value: difference.sha256 } });
    case 'none':
      return create(ContentDiffSchema);
  }
}

export function namedVersionMessage(named: NamedVersion): NamedVersionMessage {
  return create(NamedVersionSchema, {
    blobId: named.blobId,
    version: BigInt(named.version),
    name: named.name,
    userId: named.userId,
    namedAt: timestampOf(named.namedAt),
  });
}
