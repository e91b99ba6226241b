import { create } from '@bufbuild/protobuf';
import { DagSchema } from '../../gen/memmie/studio/v1/dag_pb.ts';
import { blobMessage } from './blob.ts';
import type { Dag } from '../../documents/contract.ts';
import type { Dag as DagMessage } from '../../gen/memmie/studio/v1/dag_pb.ts';

export function dagMessage(dag: Dag): DagMessage {
  return create(DagSchema, {
    rootId: dag.rootId,
    nodes: dag.nodes.map(({ blob, stale }) => ({ blob: blobMessage(blob), stale })),
    edges: dag.edges.map(({ parentId, childId }) => ({ parentId, childId })),
  });
}
