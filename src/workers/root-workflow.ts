import { createHash } from 'node:crypto';

/**
 * The workflow that keeps one owner's blobs in one DAG up to date. A DAG has several owners where somebody made a blob
 * below one they may merely read; each has providers of their own, so each has a workflow of their own. No workflow
 * imports this: it hashes, for a user id may be long and hold anything.
 */
export function rootWorkflowId(rootId: string, owner: string): string {
  return `studio-root-${rootId}-${createHash('sha256').update(owner).digest('base64url')}`;
}
