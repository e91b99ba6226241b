/** The text as each door of the studio gives it. */
import { readThroughEditor, type EditorAddress } from './editor-typist.ts';
import type { StudioClient } from '../src/index.ts';

export interface DoorReading {
  readonly door: string;
  readonly text: string;
}

export async function readThroughDoors(
  client: StudioClient,
  editor: EditorAddress,
  version: number,
): Promise<DoorReading[]> {
  const { blobId } = editor;
  const head = await client.blobs.getBlob({ id: blobId });
  const atVersion = await client.blobs.getBlob({ id: blobId, version: BigInt(version) });
  return [
    { door: 'gRPC', text: asText(head.blob?.content) },
    { door: 'JSON over REST', text: await readThroughRest(editor) },
    { door: 'editor', text: await readThroughEditor(editor) },
    { door: `version ${version}`, text: asText(atVersion.blob?.content) },
  ];
}

async function readThroughRest({ address, token, blobId }: EditorAddress): Promise<string> {
  const response = await fetch(`${address}/api/v1/studio/blobs/${blobId}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!response.ok) throw new Error(`REST answered ${response.status}: ${await response.text()}`);
  const { blob } = (await response.json()) as { blob: { content: string } };
  return Buffer.from(blob.content, 'base64').toString('utf8');
}

function asText(content: Uint8Array | undefined): string {
  return Buffer.from(content ?? new Uint8Array()).toString('utf8');
}

/** Where two texts part, for a person to look at. */
export function firstDifference(actual: string, expected: string): string {
  if (actual === expected) return '';
  let at = 0;
  while (at < actual.length && actual[at] === expected[at]) at += 1;
  const around = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 20), at + 20));
  return `at character ${at}: ${around(actual)} instead of ${around(expected)}`;
}
