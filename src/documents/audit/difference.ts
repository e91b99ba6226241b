/** What an audit finds. */
export type DifferenceKind =
  /** The log: a gap, an overlap, a commit that can't be read or contradicts itself. Never repaired. */
  | 'log'
  /** Who wrote what: client ids, their clocks, their owners. */
  | 'attribution'
  | 'request_keys'
  | 'content'
  | 'checkpoint'
  | 'head'
  /** What of a head is not derived from the log: labels, and what processed it. Never repaired. */
  | 'labels'
  | 'retention'
  | 'quarantine';

export interface Difference {
  readonly blobId: string;
  readonly kind: DifferenceKind;
  /** One sentence. */
  readonly text: string;
}

/** `note`: nothing is wrong, but something is left over or under way. `repaired`: it was put right. */
export interface Finding extends Difference {
  readonly level: 'difference' | 'note' | 'repaired';
}

export type Report = (kind: DifferenceKind, text: string, level?: Finding['level']) => void;
